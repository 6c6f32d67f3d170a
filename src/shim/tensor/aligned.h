// SPDX-License-Identifier: MIT
// Numbers of the host at any address, as tensors on which kernels of LibTorch may work.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstdint>
#include <cstring>

namespace ftorch {

/// A tensor over the memory; one beside it, with other numbers, where that lies at no multiple of an element.
inline at::Tensor tensor_at(void* memory, at::IntArrayRef sizes, const at::TensorOptions& options) {
  const bool is_aligned = reinterpret_cast<std::uintptr_t>(memory) % options.dtype().itemsize() == 0;
  return is_aligned ? at::from_blob(memory, sizes, options) : at::empty(sizes, options);
}

/// Gives a tensor of `tensor_at` the numbers of its memory.
inline void load_numbers(const at::Tensor& tensor, const void* memory) {
  if (tensor.numel() > 0 && tensor.const_data_ptr() != memory)
    std::memcpy(tensor.mutable_data_ptr(), memory, tensor.nbytes());
}

/// Puts the numbers of a tensor of `tensor_at` into its memory.
inline void store_numbers(const at::Tensor& tensor, void* memory) {
  if (tensor.numel() > 0 && tensor.const_data_ptr() != memory)
    std::memcpy(memory, tensor.const_data_ptr(), tensor.nbytes());
}

}  // namespace ftorch
