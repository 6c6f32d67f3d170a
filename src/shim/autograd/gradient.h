// SPDX-License-Identifier: MIT
// Gradients that are given.
#pragma once

#include <ATen/core/Tensor.h>

namespace ftorch {

/// Ones like the tensor, with which the derivatives of its sum begin; fails for a complex one, which needs `name`.
at::Tensor initial_gradient(const at::Tensor& value, const char* name);
/// Fails unless `given` has the shape, dtype and device of `value`.
void check_is_like(const at::Tensor& given, const at::Tensor& value, const char* name, const char* value_name);
/// Fails unless the tensor is a leaf with requires_grad.
void check_takes_gradient(const at::Tensor& value);
/// A copy of numbers in the dtype and with the strides that a backward pass gives the gradient of a leaf.
at::Tensor like_gradient(const at::Tensor& leaf, const at::Tensor& numbers);

}  // namespace ftorch
