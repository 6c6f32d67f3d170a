// SPDX-License-Identifier: MIT
// Functions of the catalog that LibTorch has not under these rules: Fortran's, and dimensions and indices that are checked.

#include "tensor/function_bodies.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/aminmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/copysign.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/prod.h>
#include <ATen/ops/result_type.h>
#include <ATen/ops/roll.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/trunc.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "core/error.h"
#include "tensor/convert.h"

namespace ftorch {
namespace {

/// n - 1, ..., 0
std::vector<int64_t> reversed_dims(std::size_t rank) {
  std::vector<int64_t> dims(rank);
  std::iota(dims.rbegin(), dims.rend(), 0);
  return dims;
}

at::Tensor reversed(const at::Tensor& x) { return x.permute(reversed_dims(static_cast<std::size_t>(x.dim()))); }

/// Fails unless the indices are integers from 1 to the extent of the dimension; returns them from 0.
at::Tensor indices_from_zero(const at::Tensor& indices, int64_t extent) {
  if (!c10::isIntegralType(indices.scalar_type(), /*includeBool=*/false))
    fail(ft_dtype_mismatch, "indices have dtype " + dtype_name(indices.scalar_type()) + "; they must be integers");
  const at::Tensor whole = indices.to(at::kLong);
  if (whole.numel() == 0) return whole;
  const auto [least, greatest] = at::aminmax(whole);
  const int64_t wrong = least.item<int64_t>() < 1 ? least.item<int64_t>() : greatest.item<int64_t>();
  if (wrong < 1 || wrong > extent)
    fail(ft_invalid_argument,
         "an index is " + std::to_string(wrong) + "; indices count from 1, and here to " + std::to_string(extent));
  return whole.sub(1);
}

/// Fails where a greatest or least element is sought among none.
void check_has_extreme(const at::Tensor& x, const OptionalDim& dim) {
  if (dim.value() ? x.size(*dim.value()) > 0 : x.numel() > 0) return;
  const std::string along = dim.value() ? " along dimension " + std::to_string(*dim.value() + 1) : std::string();
  fail(ft_shape_mismatch, "x has shape " + shape_text(x.sizes()) + ": no element is the greatest or least" + along);
}

/// What concatenation takes at any place, as PyTorch does.
bool is_nothing(const at::Tensor& x) { return x.dim() == 1 && x.numel() == 0; }

bool fit_along(const at::Tensor& a, const at::Tensor& b, int64_t dim) {
  if (a.dim() != b.dim()) return false;
  for (int64_t i = 0; i < a.dim(); ++i)
    if (i != dim && a.size(i) != b.size(i)) return false;
  return true;
}

}  // namespace

const at::Tensor& logical(const at::Tensor& x, const char* name) {
  if (x.scalar_type() != at::kBool)
    fail(ft_dtype_mismatch, std::string(name) + " has dtype " + dtype_name(x.scalar_type()) +
                                "; it must be logical, as the result of a comparison is");
  return x;
}

at::Tensor nearest_integer(const at::Tensor& x) {
  const at::Tensor whole = at::trunc(x);
  return whole.add(at::sign(x).mul(at::abs(x.sub(whole)).ge(0.5)));
}

at::Tensor with_sign(const at::Tensor& x, const at::Tensor& y) {
  const at::ScalarType dtype = at::result_type(x, y);
  if (!c10::isIntegralType(dtype, /*includeBool=*/true)) return at::copysign(x, y);
  const at::Tensor size = at::abs(x);
  return at::where(y.lt(0), size.neg(), size).to(dtype);
}

at::Tensor product(const at::Tensor& x, const OptionalDim& dim, bool keepdim) {
  if (dim.value()) return at::prod(x, *dim.value(), keepdim);
  const at::Tensor result = at::prod(x);
  return keepdim ? result.reshape(std::vector<int64_t>(static_cast<std::size_t>(x.dim()), 1)) : result;
}

at::Tensor extreme(Extreme function, const at::Tensor& x, const OptionalDim& dim, bool keepdim) {
  check_has_extreme(x, dim);
  return function(x, dim.or_all(x.dim()), keepdim);
}

at::Tensor place_of_extreme(PlaceOfExtreme function, const at::Tensor& x, const OptionalDim& dim, bool keepdim) {
  check_has_extreme(x, dim);
  if (dim.value()) return function(x, dim.value(), keepdim).add(1);
  if (keepdim) fail(ft_invalid_argument, "keepdim is true; it needs a dim, since all indices make one vector");
  if (x.dim() == 0) fail(ft_invalid_argument, "a number has no place: x has rank 0");
  at::Tensor rest = function(reversed(x).reshape(-1), {}, false);
  std::vector<at::Tensor> places;
  for (const int64_t extent : x.sizes()) {
    places.push_back(rest.remainder(extent).add(1));
    rest = rest.floor_divide(extent);
  }
  return at::stack(places);
}

at::Tensor transpose(const at::Tensor& x) {
  if (x.dim() != 2) fail(ft_shape_mismatch, "x has shape " + shape_text(x.sizes()) + "; a matrix has rank 2");
  return x.t();
}

int64_t rank_of(at::TensorList tensors) { return tensors.front().dim(); }

at::Tensor concatenated(at::TensorList tensors, int64_t dim) {
  const auto first = std::find_if_not(tensors.begin(), tensors.end(), is_nothing);
  for (std::size_t i = 0; first != tensors.end() && i < tensors.size(); ++i) {
    if (is_nothing(tensors[i]) || fit_along(*first, tensors[i], dim)) continue;
    fail(ft_shape_mismatch, "tensors(" + std::to_string(i + 1) + ") has shape " + shape_text(tensors[i].sizes()) +
                                ", tensors(" + std::to_string(first - tensors.begin() + 1) + ") " +
                                shape_text(first->sizes()) + "; they may differ in dimension " +
                                std::to_string(dim + 1) + " alone");
  }
  return at::cat(tensors, dim);
}

at::Tensor permuted_dims(const at::Tensor& x, at::IntArrayRef order) {
  std::vector<int64_t> sorted = order.vec();
  std::sort(sorted.begin(), sorted.end());
  std::vector<int64_t> expected(static_cast<std::size_t>(x.dim()));
  std::iota(expected.begin(), expected.end(), 1);
  if (sorted != expected)
    fail(ft_invalid_argument,
         "order is " + shape_text(order) + "; it must be a permutation of 1 to " + std::to_string(x.dim()));
  std::vector<int64_t> dims = order.vec();
  for (int64_t& dim : dims) --dim;
  return x.permute(dims);
}

at::Tensor squeezed(const at::Tensor& x, const OptionalDim& dim) {
  return dim.value() ? x.squeeze(*dim.value()) : x.squeeze();
}

at::Tensor spread(const at::Tensor& x, int64_t dim, int64_t ncopies) {
  std::vector<int64_t> shape = x.sizes().vec();
  shape.insert(shape.begin() + dim, std::max<int64_t>(ncopies, 0));
  return x.unsqueeze(dim).expand(shape);
}

at::Tensor shifted(const at::Tensor& x, int64_t shift, const OptionalDim& dim) {
  if (x.dim() == 0) fail(ft_invalid_argument, "a number has no dimension to shift along");
  return at::roll(x, -shift, dim.value().value_or(0));
}

at::Tensor fortran_reshape(const at::Tensor& x, at::IntArrayRef shape) {
  if (std::any_of(shape.begin(), shape.end(), [](int64_t extent) { return extent < 0; }))
    fail(ft_invalid_argument, "shape is " + shape_text(shape) + "; extents must not be negative");
  if (c10::multiply_integers(shape) != x.numel())
    fail(ft_shape_mismatch, "shape is " + shape_text(shape) + ", of " + std::to_string(c10::multiply_integers(shape)) +
                                " elements; x has shape " + shape_text(x.sizes()) + ", of " +
                                std::to_string(x.numel()));
  return reversed(reversed(x).reshape(std::vector<int64_t>(shape.rbegin(), shape.rend())));
}

at::Tensor selected(const at::Tensor& x, int64_t dim, int64_t index) {
  if (index < 1 || index > x.size(dim))
    fail(ft_invalid_argument,
         "index is " + std::to_string(index) + "; indices count from 1, and here to " + std::to_string(x.size(dim)));
  return x.select(dim, index - 1);
}

at::Tensor narrowed(const at::Tensor& x, int64_t dim, int64_t first, int64_t last) {
  // As in Fortran, first = last + 1 is a section without elements.
  if (first < 1 || last > x.size(dim) || first > last + 1)
    fail(ft_invalid_argument, "first:last is " + std::to_string(first) + ":" + std::to_string(last) +
                                  "; the dimension is 1:" + std::to_string(x.size(dim)));
  return x.narrow(dim, first - 1, last - first + 1);
}

at::Tensor index_selected(const at::Tensor& x, int64_t dim, const at::Tensor& indices) {
  return at::index_select(x, dim, indices_from_zero(indices, x.size(dim)).to(x.device()));
}

at::Tensor gathered(const at::Tensor& x, int64_t dim, const at::Tensor& indices) {
  return at::gather(x, dim, indices_from_zero(indices, x.size(dim)));
}

at::Tensor cast(const at::Tensor& x, at::ScalarType dtype) {
  if (x.is_complex() && !c10::isComplexType(dtype) && dtype != at::kBool)
    fail(ft_dtype_mismatch, "x has dtype " + dtype_name(x.scalar_type()) + " and dtype is " + dtype_name(dtype) +
                                ": the imaginary part would be lost; torch_real gives the real part");
  return x.to(dtype);
}

}  // namespace ftorch
