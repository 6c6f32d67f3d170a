// SPDX-License-Identifier: MIT
// Strided pieces of memory, and whether two of them meet.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/SmallVector.h>

#include <algorithm>
#include <cstdint>

namespace ftorch {

using ByteStrides = c10::SmallVector<int64_t, 8>;

/// A strided piece of memory: elements of `size` bytes; strides in bytes, of either sign. Shape and strides are another's.
struct Region {
  char* data;
  c10::IntArrayRef shape;
  c10::IntArrayRef strides;
  int64_t size;
};

struct Range {
  const char* begin;
  const char* end;
  bool intersects(Range other) const { return std::max(begin, other.begin) < std::min(end, other.end); }
};

ByteStrides byte_strides(const at::Tensor& tensor);

/// The region of a tensor whose byte_strides() are `strides`; only who may write the tensor writes there.
Region region_of(const at::Tensor& tensor, const ByteStrides& strides);

/// The addresses from the first to the last byte; empty when an extent is zero.
Range range_of(const Region& region);

/// True when some byte belongs to both; also, to end the search, for a few contrived strides that do not meet.
bool overlap(const Region& a, const Region& b);
bool overlap(const at::Tensor& a, const at::Tensor& b);

/// True when both are the same elements, with the same numbers.
bool is_one_memory(const at::Tensor& a, const at::Tensor& b);

}  // namespace ftorch
