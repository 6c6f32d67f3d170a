// SPDX-License-Identifier: MIT
// Rows of a tensor, along its first dimension, to and from bytes that lie one after the other.

#include <ATen/core/grad_mode.h>

#include "core/guard.h"
#include "tensor/aligned.h"
#include "tensor/convert.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

const at::Tensor& rows_of(ft_handle handle) {
  const at::Tensor& value = tensor(handle, "the tensor").value;
  if (value.dim() == 0) fail(ft_shape_mismatch, "the tensor has rank 0, and no rows");
  return value;
}

at::Tensor rows_at(const at::Tensor& value, void* bytes) {
  return tensor_at(bytes, value.sizes(), at::dtype(value.scalar_type()));
}

}  // namespace

int ft_rows_describe(ft_handle handle, int64_t* rows, int64_t* row_bytes) {
  return guard(ft_invalid_argument, [&] {
    const at::Tensor& value = rows_of(handle);
    *required(rows, "rows") = value.size(0);
    int64_t bytes = static_cast<int64_t>(value.element_size());
    for (int64_t i = 1; i < value.dim(); ++i) bytes *= value.size(i);
    *required(row_bytes, "row_bytes") = bytes;
  });
}

int ft_rows_read(ft_handle handle, void* bytes) {
  return guard(ft_invalid_argument, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor& value = rows_of(handle);
    if (value.numel() == 0) return;
    const at::Tensor rows = rows_at(value, bytes);
    rows.copy_(value);
    store_numbers(rows, bytes);
  });
}

int ft_rows_write(ft_handle handle, void* bytes) {
  return guard(ft_invalid_argument, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor& value = rows_of(handle);
    if (value.numel() == 0) return;
    const at::Tensor rows = rows_at(value, bytes);
    load_numbers(rows, bytes);
    copy_value(tensor(handle, "the tensor"), rows.to(value.device()), Write::output);
  });
}
