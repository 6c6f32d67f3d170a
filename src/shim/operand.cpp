// SPDX-License-Identifier: MIT
// Operands of an operator: shapes that fit, numbers as tensors.

#include "operand.h"

#include <ATen/ScalarOps.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "convert.h"
#include "error.h"
#include "tensor.h"

namespace ftorch {
namespace {

/// A tensor of rank 0 that is made again only while somebody, such as a graph, holds the last one: an operator on a
/// tensor and a number costs less than half of one on a tensor and an at::Scalar.
template <class T>
at::Tensor recycled(double number, at::ScalarType dtype) {
  thread_local at::Tensor last;
  if (!last.defined() || is_shared(last, 1)) last = at::empty({}, at::TensorOptions(dtype));
  *static_cast<T*>(last.mutable_data_ptr()) = static_cast<T>(number);
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

at::Scalar number_of(const ft_scalar* scalar) {
  required(scalar, "the number");
  return scalar->is_real ? at::Scalar(scalar->real) : at::Scalar(scalar->integer);
}

at::Tensor operand(const at::Scalar& number, const at::Tensor& other) {
  if (other.device().is_cpu() && other.dim() > 0) {
    if (other.scalar_type() == at::kFloat) return recycled<float>(number.toDouble(), at::kFloat);
    if (other.scalar_type() == at::kDouble) return recycled<double>(number.toDouble(), at::kDouble);
  }
  return at::native::wrapped_scalar_tensor(number);
}

}  // namespace ftorch
