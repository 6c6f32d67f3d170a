// SPDX-License-Identifier: MIT
// Arrays at addresses where LibTorch's kernels cannot work: the value is a copy, brought up to date at each use.
#pragma once

#include <ATen/core/Tensor.h>

namespace ftorch {

struct Tensor;

/// True when kernels of the host cannot work at an address: they load complex128 with instructions for multiples of 16.
bool needs_mirror(const void* data, c10::ScalarType dtype);

/// A copy of the numbers of `attached`, as they are now, where kernels can work.
at::Tensor mirror_of(const at::Tensor& attached);

/// Gives a tensor with a mirror the numbers of its array, which the program may have written.
void refresh_mirror(Tensor& tensor);

}  // namespace ftorch
