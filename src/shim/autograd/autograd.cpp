// SPDX-License-Identifier: MIT
// Entries of reverse-mode differentiation.

#include "autograd/gradient.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros_like.h>

#include "autograd/turn.h"
#include "core/guard.h"
#include "tensor/autocast.h"
#include "tensor/convert.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

/// Private, because LibTorch may keep it, or a view of it, as the gradient of a leaf.
at::Tensor external_gradient(const at::Tensor& value, ft_handle gradient) {
  const at::Tensor& external = tensor(gradient, "external_gradient").value;
  check_is_like(external, value, "external_gradient", "tensor");
  at::NoGradGuard no_grad;
  return external.clone();
}

}  // namespace

at::Tensor ftorch::initial_gradient(const at::Tensor& value, const char* name) {
  if (value.is_complex())
    fail(ft_autograd_error, "the tensor has dtype " + dtype_name(value.scalar_type()) + "; a complex tensor needs " +
                                name + ", only a real one has the gradient 1");
  return at::ones_like(value);
}

void ftorch::check_is_like(const at::Tensor& given, const at::Tensor& value, const char* name, const char* value_name) {
  const auto differ = [&](int status, const char* what, const std::string& got, const std::string& expected) {
    fail(status, std::string(name) + " " + what + got + ", " + value_name + " " + expected);
  };
  if (given.sizes() != value.sizes())
    differ(ft_shape_mismatch, "has shape ", shape_text(given.sizes()), shape_text(value.sizes()));
  if (given.scalar_type() != value.scalar_type())
    differ(ft_dtype_mismatch, "has dtype ", dtype_name(given.scalar_type()), dtype_name(value.scalar_type()));
  if (given.device() != value.device())
    differ(ft_invalid_argument, "is on ", given.device().str(), "on " + value.device().str());
}

void ftorch::check_takes_gradient(const at::Tensor& value) {
  if (!value.requires_grad()) fail(ft_autograd_error, "the tensor was made without requires_grad");
  if (!value.is_leaf())
    fail(ft_autograd_error, "the tensor is no leaf but the result of an operation, which keeps no gradient");
}

at::Tensor ftorch::like_gradient(const at::Tensor& leaf, const at::Tensor& numbers) {
  at::NoGradGuard no_grad;
  return at::empty_like(leaf, leaf.options().requires_grad(false)).copy_(numbers);
}

int ft_tensor_backward(ft_handle handle, ft_handle gradient, int retain_graph) {
  return guard(ft_autograd_error, [&] {
    const at::Tensor value = tensor(handle, "the tensor").value;
    if (!value.requires_grad())
      fail(ft_autograd_error, "the tensor depends on nothing that was made with requires_grad");
    const TurnPause pause;
    value.backward(gradient ? external_gradient(value, gradient) : initial_gradient(value, "an external_gradient"),
                   retain_graph != 0);
    forget_casts();
  });
}

int ft_tensor_gradient(ft_handle handle, ft_handle* target) {
  return guard(ft_autograd_error, [&] {
    required(target, "target");
    const at::Tensor& value = tensor(handle, "the tensor").value;
    if (!value.requires_grad()) fail(ft_autograd_error, "the tensor was made without requires_grad");
    if (!value.is_leaf() && !value.retains_grad())
      fail(ft_autograd_error, "the tensor is no leaf but the result of an operation, which keeps no gradient");
    if (!value.grad().defined())
      fail(ft_autograd_error, "the tensor has no gradient: no backward pass has reached it yet");
    // That of an embedding may be sparse.
    if (value.grad().layout() != at::kStrided) return write_result(target, value.grad().to_dense());
    write_copy(target, value.grad());
  });
}

int ft_tensor_set_gradient(ft_handle handle, ft_handle gradient) {
  return guard(ft_autograd_error, [&] {
    const at::Tensor& value = tensor(handle, "the tensor").value;
    const at::Tensor& given = tensor(gradient, "gradient").value;
    check_takes_gradient(value);
    check_is_like(given, value, "gradient", "the tensor");
    value.mutable_grad() = like_gradient(value, given);
  });
}

int ft_tensor_zero_gradient(ft_handle handle) {
  return guard(ft_autograd_error, [&] {
    const at::Tensor& value = tensor(handle, "the tensor").value;
    if (!value.is_leaf() && !value.retains_grad()) return;
    at::Tensor& gradient = value.mutable_grad();
    if (!gradient.defined()) return;
    at::NoGradGuard no_grad;
    if (is_shared(gradient, 1)) gradient = at::zeros_like(gradient);
    else gradient.zero_();
  });
}
