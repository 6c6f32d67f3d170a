// SPDX-License-Identifier: MIT
// Copies of elements between strided host memory: contiguous runs at once, transpositions in blocks.

#include "tensor/elements.h"

#include <ATen/core/grad_mode.h>
#include <c10/util/SmallVector.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/error.h"

namespace ftorch {
namespace {

/// One of the loops over two regions of one shape.
struct Loop {
  int64_t extent;
  int64_t to;
  int64_t from;
};

using Loops = c10::SmallVector<Loop, 8>;
using RowCopy = void (*)(char*, int64_t, const char*, int64_t, int64_t);

template <std::size_t size>
void copy_row(char* to, int64_t to_stride, const char* from, int64_t from_stride, int64_t extent) {
  for (int64_t i = 0; i < extent; ++i) std::memcpy(to + i * to_stride, from + i * from_stride, size);
}

RowCopy row_copy_for(std::size_t size) {
  switch (size) {
    case 1: return copy_row<1>;
    case 2: return copy_row<2>;
    case 4: return copy_row<4>;
    case 8: return copy_row<8>;
    case 16: return copy_row<16>;
    default: fail(ft_internal_error, "elements of " + std::to_string(size) + " bytes");
  }
}

/// Loops that matter, the destination's nearest neighbours first, joined where both sides run on.
Loops loops_over(const Region& to, const Region& from) {
  Loops all;
  for (std::size_t i = 0; i < to.shape.size(); ++i) {
    if (to.shape[i] != 1) all.push_back({to.shape[i], to.strides[i], from.strides[i]});
  }
  sort_stably(all.begin(), all.end(), [](const Loop& a, const Loop& b) { return std::abs(a.to) < std::abs(b.to); });
  Loops joined;
  for (const Loop& next : all) {
    if (joined.empty() || next.to != joined.back().to * joined.back().extent ||
        next.from != joined.back().from * joined.back().extent)
      joined.push_back(next);
    else joined.back().extent *= next.extent;
  }
  return joined;
}

/// A plane in blocks that fit the first cache, so that neither side is walked across for long.
void copy_plane(char* to, const char* from, const Loop& inner, const Loop& outer, RowCopy row) {
  constexpr int64_t block = 32;
  for (int64_t j0 = 0; j0 < outer.extent; j0 += block) {
    const int64_t j1 = std::min(j0 + block, outer.extent);
    for (int64_t i = 0; i < inner.extent; i += block) {
      const int64_t count = std::min(block, inner.extent - i);
      for (int64_t j = j0; j < j1; ++j)
        row(to + j * outer.to + i * inner.to, inner.to, from + j * outer.from + i * inner.from, inner.from, count);
    }
  }
}

/// Calls `step` with the addresses of each turn of the loops from `first` on.
template <class Step>
void for_each(char* to, const char* from, const Loops& loops, std::size_t first, const Step& step) {
  if (first == loops.size()) return step(to, from);
  const Loop& loop = loops[first];
  for (int64_t i = 0; i < loop.extent; ++i) for_each(to + i * loop.to, from + i * loop.from, loops, first + 1, step);
}

bool is_plain(const at::Tensor& tensor) {
  return tensor.device().is_cpu() && tensor.layout() == at::kStrided && !tensor.is_conj() && !tensor.is_neg();
}

/// True when the two name the same elements in the same order.
bool are_same(const Region& a, const Region& b) {
  bool is_same = a.data == b.data && a.shape == b.shape;
  for (std::size_t i = 0; is_same && i < a.shape.size(); ++i) is_same = a.shape[i] == 1 || a.strides[i] == b.strides[i];
  return is_same;
}

/// True if both are memory without gaps in one order.
bool has_straight_copy(const at::Tensor& to, const at::Tensor& from) {
  if (to.scalar_type() != from.scalar_type() || !is_plain(to) || !is_plain(from) || to.sizes() != from.sizes() ||
      to.numel() == 0 || !to.is_non_overlapping_and_dense())
    return false;
  const at::IntArrayRef sizes = to.sizes(), strides = to.strides(), others = from.strides();
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (strides[i] != others[i] && sizes[i] != 1) return false;
  }
  return true;
}

/// Source and destination, of one shape and dtype, do not overlap; no extent is zero.
void copy_elements(const Region& to, const Region& from) {
  const std::size_t size = static_cast<std::size_t>(to.size);
  Loops loops = loops_over(to, from);
  if (loops.empty()) {
    std::memcpy(to.data, from.data, size);
    return;
  }
  const Loop inner = loops.front();
  if (inner.to == to.size && inner.from == inner.to) {
    const std::size_t run = static_cast<std::size_t>(inner.extent) * size;
    return for_each(to.data, from.data, loops, 1, [run](char* a, const char* b) { std::memcpy(a, b, run); });
  }
  const RowCopy row = row_copy_for(size);
  const auto nearest = std::min_element(
      loops.begin(), loops.end(), [](const Loop& a, const Loop& b) { return std::abs(a.from) < std::abs(b.from); });
  if (nearest == loops.begin()) {
    return for_each(to.data, from.data, loops, 1,
                    [&](char* a, const char* b) { row(a, inner.to, b, inner.from, inner.extent); });
  }
  const Loop outer = *nearest;
  loops.erase(nearest);
  for_each(to.data, from.data, loops, 1, [&](char* a, const char* b) { copy_plane(a, b, inner, outer, row); });
}

}  // namespace

void copy_out(const Region& to, const at::Tensor& from) {
  if (from.numel() == 0) return;
  if (!is_plain(from)) {
    at::NoGradGuard no_grad;
    return copy_out(to, from.to(at::kCPU).resolve_conj().resolve_neg());
  }
  const auto strides = byte_strides(from);
  const Region source = region_of(from, strides);
  if (range_of(to).intersects(range_of(source))) {
    if (are_same(to, source)) return;
    at::NoGradGuard no_grad;
    return copy_out(to, from.clone());
  }
  copy_elements(to, source);
}

bool is_over(const at::Tensor& tensor, const Region& region) {
  if (!is_plain(tensor)) return false;
  const auto strides = byte_strides(tensor);
  return are_same(region_of(tensor, strides), region);
}

void copy_numbers(const at::Tensor& to, const at::Tensor& from) {
  if (has_straight_copy(to, from)) [[likely]] {
    std::memmove(to.mutable_data_ptr(), from.const_data_ptr(), to.nbytes());
    return;
  }
  if (is_plain(to) && to.scalar_type() == from.scalar_type()) {
    const auto strides = byte_strides(to);
    return copy_out(region_of(to, strides), from);
  }
  at::NoGradGuard no_grad;
  // Kernels convert, but cannot work at every address of an array.
  if (is_plain(to)) copy_numbers(to, from.to(to.scalar_type()));
  else to.copy_(from);
}

}  // namespace ftorch
