// SPDX-License-Identifier: MIT
// Gradients that are set.
#pragma once

#include <ATen/core/Tensor.h>

namespace ftorch {

/// Fails unless the tensor is a leaf with requires_grad.
void check_takes_gradient(const at::Tensor& value);
/// A copy of numbers in the dtype and with the strides that a backward pass gives the gradient of a leaf.
at::Tensor like_gradient(const at::Tensor& leaf, const at::Tensor& numbers);

}  // namespace ftorch
