// SPDX-License-Identifier: MIT
// Operands of an operator: shapes that fit, numbers as tensors.

#include "tensor/operand.h"

#include <ATen/ScalarOps.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "tensor/convert.h"
#include "tensor/tensor.h"

namespace ftorch {
namespace {

/// A tensor of rank 0 that is made again only while somebody, such as a graph, holds the last one: an operator on a
/// tensor and a number costs less than half of one on a tensor and an at::Scalar.
template <class T>
at::Tensor cached_scalar_tensor(const at::Scalar& number, at::ScalarType dtype) {
  thread_local at::Tensor last;
  if (!last.defined() || is_shared(last, 1)) last = at::empty({}, at::TensorOptions(dtype));
  // An integer is rounded once, not by way of a double.
  *static_cast<T*>(last.mutable_data_ptr()) = number.isFloatingPoint() ? static_cast<T>(number.toDouble())
                                                                       : static_cast<T>(number.toLong());
  return last;
}

}  // namespace

void check_broadcast(at::IntArrayRef a, at::IntArrayRef b) {
  if (a == b) return;
  const std::size_t rank = std::min(a.size(), b.size());
  for (std::size_t i = 1; i <= rank; ++i) {
    const int64_t m = a[a.size() - i];
    const int64_t n = b[b.size() - i];
    if (m != n && m != 1 && n != 1) [[unlikely]]
      fail(ft_shape_mismatch, "shapes " + shape_text(a) + " and " + shape_text(b) + " do not broadcast");
  }
}

std::pair<int64_t, int64_t> integer_range(at::ScalarType dtype) {
  switch (dtype) {
    case at::kByte: return {0, std::numeric_limits<uint8_t>::max()};
    case at::kChar: return {std::numeric_limits<int8_t>::min(), std::numeric_limits<int8_t>::max()};
    case at::kShort: return {std::numeric_limits<int16_t>::min(), std::numeric_limits<int16_t>::max()};
    case at::kInt: return {std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()};
    default: return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  }
}

at::Scalar to_at_scalar(const ft_scalar* scalar) {
  required(scalar, "the number");
  return scalar->is_real ? at::Scalar(scalar->real) : at::Scalar(scalar->integer);
}

void check_number(const ft_scalar& number, const at::Tensor& other) {
  if (number.is_real) return;
  const auto [least, most] = integer_range(other.scalar_type());
  const int64_t value = number.integer;
  if (value < least || value > most) [[unlikely]]
    fail(ft_dtype_mismatch, "the number " + std::to_string(value) + " does not fit the dtype " +
                                dtype_name(other.scalar_type()) + " of the tensor, " + std::to_string(least) + " to " +
                                std::to_string(most) + "; use a tensor of a wider dtype");
}

at::Tensor scalar_operand(const at::Scalar& number, const at::Tensor& other) {
  if (other.device().is_cpu() && other.dim() > 0) {
    if (other.scalar_type() == at::kFloat) return cached_scalar_tensor<float>(number, at::kFloat);
    if (other.scalar_type() == at::kDouble) return cached_scalar_tensor<double>(number, at::kDouble);
  }
  return at::native::wrapped_scalar_tensor(number);
}

}  // namespace ftorch
