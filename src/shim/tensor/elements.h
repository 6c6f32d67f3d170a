// SPDX-License-Identifier: MIT
// Copies of elements between strided host memory, without LibTorch's dispatcher.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

#include "tensor/region.h"

namespace ftorch {

/// Sorts a handful of dimensions, for which std::stable_sort would allocate.
template <class Iterator, class Less>
void sort_stably(Iterator begin, Iterator end, const Less& less) {
  for (Iterator next = begin; next != end; ++next)
    std::rotate(std::upper_bound(begin, next, *next, less), next, next + 1);
}

/// True when a tensor lies on these very elements of host memory.
bool is_over(const at::Tensor& tensor, const Region& region);

/// Copies the numbers of a tensor of that shape, on any device, to host memory, which may be its own.
void copy_out(const Region& to, const at::Tensor& from);

/// Copies the numbers of `from`, of the same shape, into `to`, outside any graph.
void copy_numbers(const at::Tensor& to, const at::Tensor& from);

}  // namespace ftorch
