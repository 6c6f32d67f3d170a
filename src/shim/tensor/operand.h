// SPDX-License-Identifier: MIT
// Operands of an operator: shapes that fit, numbers as tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

#include "ftorch.h"

namespace ftorch {

/// Fails unless the shapes broadcast to a common one.
void check_broadcast(at::IntArrayRef a, at::IntArrayRef b);

/// The smallest and the largest number of an integer dtype; those of int64 for any other.
std::pair<int64_t, int64_t> integer_range(at::ScalarType dtype);

at::Scalar to_at_scalar(const ft_scalar* scalar);

/// Fails for an integer number that the elements of an integer tensor cannot hold: LibTorch would wrap it around.
void check_number(const ft_scalar& number, const at::Tensor& other);

/// `number` as an operand beside `other`, with PyTorch's rule that a number does not widen the dtype of a tensor.
at::Tensor scalar_operand(const at::Scalar& number, const at::Tensor& other);

}  // namespace ftorch
