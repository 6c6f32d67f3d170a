// SPDX-License-Identifier: MIT
// Tensors over arrays of the program.
#pragma once

#include "tensor/array.h"
#include "tensor/options.h"
#include "tensor/tensor.h"

namespace ftorch {

/// A tensor over an array; on another device than the host, or where kernels cannot work, a copy that the array follows.
Tensor tensor_over(const ft_view& view, const TensorSpec& spec);

/// A tensor over memory with these strides, in elements, on a device.
Tensor tensor_over(void* data, at::IntArrayRef shape, at::IntArrayRef strides, const TensorSpec& spec,
                   at::Device memory = at::kCPU);

}  // namespace ftorch
