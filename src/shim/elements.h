// SPDX-License-Identifier: MIT
// Copies of elements between strided host memory, without LibTorch's dispatcher.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace ftorch {

/// A strided piece of host memory; strides in bytes, of either sign.
struct Elements {
  char* data;
  const int64_t* strides;
};

/// Copies the numbers of a tensor on any device out; its own memory may be the destination.
void copy_out(Elements to, const at::Tensor& from);

/// Copies the numbers of `from`, of the same shape, into `to`, outside any graph.
void copy_numbers(const at::Tensor& to, const at::Tensor& from);

}  // namespace ftorch
