// SPDX-License-Identifier: MIT
// Numbers of a tensor, or of its gradient, to and from a piece of a flat buffer of the host.

#include <ATen/core/grad_mode.h>

#include "autograd/gradient.h"
#include "core/guard.h"
#include "tensor/aligned.h"
#include "tensor/convert.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

bool is_double(const at::Tensor& value) {
  return value.scalar_type() == at::kDouble || value.scalar_type() == at::kComplexDouble;
}

/// The buffer as numbers of the tensor's shape.
at::Tensor numbers_at(const at::Tensor& value, void* buffer) {
  const auto real = is_double(value) ? at::kDouble : at::kFloat;
  return tensor_at(buffer, value.sizes(), at::dtype(value.is_complex() ? at::toComplexType(real) : real));
}

}  // namespace

int ft_flat_size(ft_handle handle, int is_gradient, int64_t* count, int32_t* has_doubles) {
  return guard(ft_invalid_argument, [&] {
    const at::Tensor& value = tensor(handle, "the tensor").value;
    if (is_gradient) check_takes_gradient(value);
    if (!at::isFloatingType(value.scalar_type()) && !value.is_complex())
      fail(ft_dtype_mismatch, "the tensor has dtype " + dtype_name(value.scalar_type()) + ", which holds no fractions");
    *required(count, "count") = value.numel() * (value.is_complex() ? 2 : 1);
    *required(has_doubles, "is_double") = is_double(value);
  });
}

int ft_flat_read(ft_handle handle, int is_gradient, double factor, void* buffer, int32_t* is_there) {
  return guard(ft_invalid_argument, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor& value = tensor(handle, "the tensor").value;
    const at::Tensor& numbers = is_gradient ? value.grad() : value;
    const at::Tensor view = numbers_at(value, buffer);
    *required(is_there, "is_there") = numbers.defined();
    // Not times zero: that of what is not finite is not.
    if (!numbers.defined() || factor == 0) view.zero_();
    else view.copy_(numbers.is_sparse() ? numbers.to_dense() : numbers);
    if (numbers.defined() && factor != 0 && factor != 1) view.mul_(factor);
    store_numbers(view, buffer);
  });
}

int ft_flat_write(ft_handle handle, int is_gradient, const void* buffer) {
  return guard(ft_invalid_argument, [&] {
    at::NoGradGuard no_grad;
    const at::Tensor& value = tensor(handle, "the tensor").value;
    const at::Tensor view = numbers_at(value, const_cast<void*>(buffer));
    load_numbers(view, buffer);
    if (!is_gradient) {
      copy_value(tensor(handle, "the tensor"), view.to(value.options().requires_grad(false)), Write::output);
      return;
    }
    at::Tensor& gradient = value.mutable_grad();
    const bool is_own = gradient.defined() && !gradient.is_sparse() && !gradient.requires_grad() &&
                        !is_expanded(gradient) && !is_shared(gradient, 1);
    if (is_own) gradient.copy_(view);
    else gradient = like_gradient(value, view);
  });
}
