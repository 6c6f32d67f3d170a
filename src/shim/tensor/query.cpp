// SPDX-License-Identifier: MIT
// Entries that say what a tensor is.

#include <algorithm>

#include "core/guard.h"
#include "core/text.h"
#include "tensor/convert.h"
#include "tensor/print.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

/// Runs `f` on the value behind `handle`.
template <class F>
int query(ft_handle handle, const F& f) {
  return guard(ft_invalid_argument, [&] { f(std::as_const(tensor(handle, "the tensor").value)); });
}

}  // namespace

int ft_tensor_rank(ft_handle handle, int32_t* rank) {
  return query(handle, [&](const at::Tensor& value) { *required(rank, "rank") = static_cast<int32_t>(value.dim()); });
}

int ft_tensor_shape(ft_handle handle, int64_t* shape) {
  return query(handle, [&](const at::Tensor& value) {
    if (value.dim() > 0) std::copy_n(value.sizes().data(), value.dim(), required(shape, "shape"));
  });
}

int ft_tensor_strides(ft_handle handle, int64_t* strides) {
  return query(handle, [&](const at::Tensor& value) {
    if (value.dim() > 0) std::copy_n(value.strides().data(), value.dim(), required(strides, "strides"));
  });
}

int ft_tensor_dtype(ft_handle handle, int32_t* dtype) {
  return query(handle, [&](const at::Tensor& value) { *required(dtype, "dtype") = dtype_code(value.scalar_type()); });
}

int ft_tensor_device(ft_handle handle, int32_t* device_type, int32_t* device_index) {
  return query(handle, [&](const at::Tensor& value) {
    required(device_type, "device_type");
    *required(device_index, "device_index") = value.device().index();
    *device_type = device_code(value.device().type());
  });
}

int ft_tensor_requires_grad(ft_handle handle, int32_t* requires_grad) {
  return query(handle,
               [&](const at::Tensor& value) { *required(requires_grad, "requires_grad") = value.requires_grad(); });
}

int ft_tensor_item(ft_handle handle, double* number) {
  return query(handle, [&](const at::Tensor& value) {
    required(number, "value");
    if (value.numel() != 1)
      fail(ft_shape_mismatch, "the tensor has shape " + shape_text(value.sizes()) + "; it must have one element");
    if (value.is_complex())
      fail(ft_dtype_mismatch, "the tensor has dtype " + dtype_name(value.scalar_type()) +
                                  "; its number is no real64. Take its parts, or torch_tensor_to_array");
    const at::Scalar item = value.item();
    constexpr int64_t limit = int64_t{1} << 53;
    if (item.isIntegral(false) && (item.toLong() > limit || item.toLong() < -limit))
      fail(ft_dtype_mismatch, "the number is " + std::to_string(item.toLong()) +
                                  ", beyond 2**53, which a real64 would round; use torch_tensor_to_array");
    *number = item.toDouble();
  });
}

int ft_tensor_text(ft_handle handle, int is_full) {
  return query(handle, [&](const at::Tensor& value) { set_text(text_of(value, is_full != 0)); });
}
