// SPDX-License-Identifier: MIT
// Functions of the catalog that LibTorch has not under these rules: Fortran's, and dimensions and indices that are checked.
#pragma once

#include <ATen/core/Tensor.h>

#include "tensor/function_arguments.h"

namespace ftorch {

/// The tensor itself; fails unless it is logical.
const at::Tensor& logical(const at::Tensor& x, const char* name = "the operand");

/// The nearest whole number, halves away from zero.
at::Tensor nearest_integer(const at::Tensor& x);
/// |x| with the sign of y; integers stay integers.
at::Tensor with_sign(const at::Tensor& x, const at::Tensor& y);

at::Tensor product(const at::Tensor& x, const OptionalDim& dim, bool keepdim);
/// amax or amin. Fails for a tensor without elements along the dimensions.
using Extreme = at::Tensor (*)(const at::Tensor&, at::IntArrayRef, bool);
at::Tensor extreme(Extreme function, const at::Tensor& x, const OptionalDim& dim, bool keepdim);
/// argmax or argmin from 1: along `dim`, or the index of each dimension of the first place in Fortran's order.
using PlaceOfExtreme = at::Tensor (*)(const at::Tensor&, std::optional<int64_t>, bool);
at::Tensor place_of_extreme(PlaceOfExtreme function, const at::Tensor& x, const OptionalDim& dim, bool keepdim);

at::Tensor transpose(const at::Tensor& x);
/// Rank of the first tensor.
int64_t rank_of(at::TensorList tensors);

/// Tensors that differ in dimension `dim` alone, one after the other.
at::Tensor concatenated(at::TensorList tensors, int64_t dim);
at::Tensor permuted_dims(const at::Tensor& x, at::IntArrayRef order);
at::Tensor squeezed(const at::Tensor& x, const OptionalDim& dim);
at::Tensor spread(const at::Tensor& x, int64_t dim, int64_t ncopies);
at::Tensor shifted(const at::Tensor& x, int64_t shift, const OptionalDim& dim);
at::Tensor fortran_reshape(const at::Tensor& x, at::IntArrayRef shape);

at::Tensor selected(const at::Tensor& x, int64_t dim, int64_t index);
at::Tensor narrowed(const at::Tensor& x, int64_t dim, int64_t first, int64_t last);
at::Tensor index_selected(const at::Tensor& x, int64_t dim, const at::Tensor& indices);
at::Tensor gathered(const at::Tensor& x, int64_t dim, const at::Tensor& indices);

at::Tensor cast(const at::Tensor& x, at::ScalarType dtype);

}  // namespace ftorch
