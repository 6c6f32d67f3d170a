// SPDX-License-Identifier: MIT
// Copies of elements between strided host memory, without LibTorch's dispatcher.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

namespace ftorch {

/// Sorts a handful of dimensions, for which std::stable_sort would allocate.
template <class Iterator, class Less>
void sort_stably(Iterator begin, Iterator end, const Less& less) {
  for (Iterator next = begin; next != end; ++next)
    std::rotate(std::upper_bound(begin, next, *next, less), next, next + 1);
}

/// A strided piece of host memory; strides in bytes, of either sign.
struct Elements {
  char* data;
  const int64_t* strides;
};

/// True when a tensor of that shape lies on these very elements.
bool is_over(const at::Tensor& tensor, Elements elements);

/// Copies the numbers of a tensor on any device out; its own memory may be the destination.
void copy_out(Elements to, const at::Tensor& from);

/// Copies the numbers of `from`, of the same shape, into `to`, outside any graph.
void copy_numbers(const at::Tensor& to, const at::Tensor& from);

}  // namespace ftorch
