// SPDX-License-Identifier: MIT
// Which dimension of an array or a tensor counts rows.

#include "storage/rows.h"

#include <algorithm>

#include "tensor/convert.h"

namespace ftorch {
namespace {

bool is_reversed(at::IntArrayRef sizes, at::IntArrayRef row) { return is_equal_but_for_ones(sizes, reversed(row)); }

/// True when elements lie side by side with the first dimension, or the last, varying fastest.
template <class Iterator>
bool is_dense(Iterator size, Iterator end, Iterator stride) {
  int64_t expected = 1;
  for (; size != end; ++size, ++stride) {
    if (*size == 0) return true;
    if (*size != 1 && *stride != expected) return false;
    expected *= *size;
  }
  return true;
}

bool is_first_slowest(const Dimensions& given) {
  return !given.sizes.empty() && given.strides.front() > given.strides.back();
}

}  // namespace

Extents reversed(at::IntArrayRef extents) {
  Extents result(extents.size());
  std::reverse_copy(extents.begin(), extents.end(), result.begin());
  return result;
}

int64_t RowForm::elements() const { return c10::multiply_integers(shape); }

Extents fortran_strides(at::IntArrayRef sizes) {
  Extents strides;
  int64_t next = 1;
  for (const int64_t size : sizes) {
    strides.push_back(next);
    next *= std::max<int64_t>(size, 1);
  }
  return strides;
}

std::optional<int64_t> counted_rows(const Dimensions& given, Order order) {
  if (given.sizes.size() < 2) return std::nullopt;
  return order == Order::any && is_first_slowest(given) ? given.sizes.front() : given.sizes.back();
}

Extents first_shape(const Dimensions& given, std::optional<int64_t> rows, Order order) {
  const at::IntArrayRef sizes = given.sizes;
  if (sizes.size() < 2) return rows ? Extents() : Extents(sizes.begin(), sizes.end());
  if (order == Order::any && is_first_slowest(given)) return reversed(sizes.slice(1));
  return {sizes.begin(), sizes.end() - 1};
}

std::optional<RowLayout> layout_of(const Dimensions& given, at::IntArrayRef row, Order order) {
  const auto [sizes, strides] = given;
  const bool is_any = order == Order::any;
  const bool fits_last = !sizes.empty() && is_equal_but_for_ones(sizes.slice(0, sizes.size() - 1), row);
  const bool fits_first = is_any && !sizes.empty() && is_reversed(sizes.slice(1), row);
  Sample sample;
  if (fits_first && (!fits_last || is_first_slowest(given))) sample = Sample::first;
  else if (fits_last) sample = Sample::last;
  else if (is_any && is_reversed(sizes, row) && (!is_equal_but_for_ones(sizes, row) || is_first_slowest(given)))
    sample = Sample::none_reversed;
  else if (is_equal_but_for_ones(sizes, row)) sample = Sample::none;
  else return std::nullopt;
  const bool is_fortran = sample == Sample::last || sample == Sample::none;
  return RowLayout{sample,
                   sample == Sample::last    ? sizes.back()
                   : sample == Sample::first ? sizes.front()
                                             : 1,
                   is_fortran ? is_dense(sizes.begin(), sizes.end(), strides.begin())
                              : is_dense(sizes.rbegin(), sizes.rend(), strides.rbegin())};
}

at::Tensor with_reversed_dimensions(const at::Tensor& tensor) {
  Extents order;
  for (int64_t i = tensor.dim(); i > 0; --i) order.push_back(i - 1);
  return tensor.permute(order);
}

at::Tensor sample_first(const at::Tensor& tensor, const RowLayout& layout) {
  const at::Tensor rows = layout.sample == Sample::last || layout.sample == Sample::none
                              ? with_reversed_dimensions(tensor)
                              : tensor;
  return layout.sample == Sample::last || layout.sample == Sample::first ? rows : rows.unsqueeze(0);
}

std::string accepted_shapes(at::IntArrayRef row, Order order) {
  const auto text = [](at::IntArrayRef extents, const char* before, const char* after) {
    std::string inner = shape_text(extents);
    inner = inner.substr(1, inner.size() - 2);
    const char* const between = inner.empty() ? "" : ", ";
    return std::string("[") + before + (*before ? between : "") + inner + (*after ? between : "") + after + "]";
  };
  const std::string one = row.empty() ? "a number" : shape_text(row);
  const std::string first = row.empty() ? "" : " or " + text(reversed(row), "n", "");
  return one + ", or " + text(row, "", "n") + (order == Order::any ? first : "") + " for n of them";
}

}  // namespace ftorch
