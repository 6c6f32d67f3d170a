// SPDX-License-Identifier: MIT
// How arrays and tensors are read as rows, one for each sample.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/SmallVector.h>

#include <cstdint>
#include <optional>
#include <string>

namespace ftorch {

using Extents = c10::SmallVector<int64_t, 8>;

Extents reversed(at::IntArrayRef extents);

/// What the rows of a field have in common.
struct RowForm {
  at::ScalarType dtype;
  /// In Fortran's order; empty for a number.
  Extents shape;

  int64_t elements() const;
  int64_t bytes() const { return elements() * static_cast<int64_t>(c10::elementSize(dtype)); }
  /// The shape as PyTorch has that of the same memory.
  Extents reversed() const { return ftorch::reversed(shape); }
};

/// Which dimension of an array or tensor is the sample.
enum class Sample { last, first, none, none_reversed };

/// An array or tensor of rows.
struct RowLayout {
  Sample sample;
  int64_t count;
  /// The rows lie one after the other, each in Fortran's order.
  bool is_dense;
};

/// Arrays are in Fortran's order; tensors may be in PyTorch's.
enum class Order { fortran, any };

/// What can be told of the shape and strides of a field that comes, on the way to its form and its count.
struct Dimensions {
  at::IntArrayRef sizes;
  at::IntArrayRef strides;
};

/// Strides of a Fortran array.
Extents fortran_strides(at::IntArrayRef sizes);

/// The form of the rows of a field that comes first. `rows` is what another field with a dimension for the sample says: of a
/// field of rank 1, each element is a row then. Else, rank 0 or 1 is one row.
Extents first_shape(const Dimensions& given, std::optional<int64_t> rows, Order order);

/// The number of rows of a field that comes first, if its rank says so.
std::optional<int64_t> counted_rows(const Dimensions& given, Order order);

/// How something is made of rows of a shape; nothing if it is not. Where two dimensions fit, that of the largest stride is
/// the sample. Dimensions of one do not count.
std::optional<RowLayout> layout_of(const Dimensions& given, at::IntArrayRef row, Order order);

/// As `tensor.T`, of which LibTorch warns for other than two dimensions.
at::Tensor with_reversed_dimensions(const at::Tensor& tensor);

/// A tensor as [count, reversed row], without a copy.
at::Tensor sample_first(const at::Tensor& tensor, const RowLayout& layout);

/// "[8], or [8, n] for n of them" for messages.
std::string accepted_shapes(at::IntArrayRef row, Order order);

}  // namespace ftorch
