// SPDX-License-Identifier: MIT
// Tensors as text.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace ftorch {

/// The elements as Fortran has them, each number whole: a matrix row by row, of higher ranks the sections (:,:,k) in the order
/// of the array's elements. The last line says dtype, shape, device and requires_grad. Of more than 1000 elements the first and
/// last three along each dimension, unless is_full.
std::string text_of(const at::Tensor& tensor, bool is_full);

}  // namespace ftorch
