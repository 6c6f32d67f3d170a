// SPDX-License-Identifier: MIT
// Entries for products with derivatives: graphs are kept, and gradients of leaves stay as they are.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros_like.h>

#include "autograd/derivative.h"
#include "autograd/gradient.h"
#include "autograd/products.h"
#include "core/guard.h"
#include "tensor/convert.h"

using namespace ftorch;

namespace {

/// A private copy of a vector that must be like `value`.
at::Tensor vector_like(const at::Tensor& value, ft_handle vector, const char* name) {
  const at::Tensor& given = tensor(vector, "vector").value;
  check_is_like(given, value, "vector", name);
  at::NoGradGuard no_grad;
  return given.clone();
}

/// Fails unless a result like `value` can be written to the target.
void check_target(ft_handle* target, const at::Tensor& value) {
  if (*required(target, "target")) PendingWrite(tensor(*target, "the target"), value.detach(), Write::result);
}

void write(ft_handle* target, at::Tensor value) { write_result(target, own_value(std::move(value))); }

}  // namespace

Pair ftorch::pair_of(ft_handle output, ft_handle input) {
  Pair pair{tensor(output, "output").value, tensor(input, "input").value};
  {
    Context context("output");
    check_has_graph(pair.output);
  }
  Context context("input");
  check_is_input(pair.input);
  return pair;
}

at::Tensor ftorch::push_forward(const at::Tensor& output, const at::Tensor& input, const at::Tensor& vector) {
  // The gradient is linear in its seed, and its derivative by that is the matrix wanted, whatever the seed.
  const at::Tensor seed = at::zeros_like(output.detach()).requires_grad_();
  const at::Tensor gradient = differentiate(output, input, seed, Graph::recorded);
  if (!gradient.requires_grad()) return at::zeros_like(output.detach());
  at::Tensor product = std::move(differentiate(Values{gradient}, Values{seed}, Values{vector}, Graph::kept)[0]);
  return product.defined() ? product : at::zeros_like(output.detach());
}

int ft_vjp(ft_handle output, ft_handle input, ft_handle vector, ft_handle* target) {
  return guard(ft_autograd_error, [&] {
    const Pair pair = pair_of(output, input);
    check_target(target, pair.input);
    const at::Tensor seed = vector_like(pair.output, vector, "output");
    write(target, differentiate(pair.output, pair.input, seed, Graph::kept));
  });
}

int ft_jvp(ft_handle output, ft_handle input, ft_handle vector, ft_handle* target) {
  return guard(ft_autograd_error, [&] {
    const Pair pair = pair_of(output, input);
    check_target(target, pair.output);
    write(target, push_forward(pair.output, pair.input, vector_like(pair.input, vector, "input")));
  });
}

int ft_hvp(ft_handle output, ft_handle input, ft_handle vector, ft_handle* target) {
  return guard(ft_autograd_error, [&] {
    const Pair pair = pair_of(output, input);
    if (pair.output.numel() != 1)
      fail(ft_shape_mismatch, "output has shape " + shape_text(pair.output.sizes()) + "; it must have one element");
    for (const at::Tensor& one : {pair.output, pair.input}) {
      if (one.is_complex())
        fail(ft_dtype_mismatch, "the tensor is " + form_text(one) + "; a Hessian is of real tensors");
    }
    check_target(target, pair.input);
    const at::Tensor direction = vector_like(pair.input, vector, "input");
    const at::Tensor one = at::ones_like(pair.output.detach());
    const at::Tensor gradient = differentiate(pair.output, pair.input, one, Graph::recorded);
    at::Tensor product;
    if (gradient.requires_grad())
      product = std::move(differentiate(Values{gradient}, Values{pair.input}, Values{direction}, Graph::kept)[0]);
    // Of a linear output the gradient does not depend on the input.
    write(target, product.defined() ? product : at::zeros_like(pair.input.detach()));
  });
}

int ft_jacobian(ft_handle output, ft_handle input, ft_handle* target) {
  return guard(ft_autograd_error, [&] {
    const Pair pair = pair_of(output, input);
    if (*required(target, "target")) tensor(*target, "the target");
    write(target, jacobian_of(pair.output, pair.input));
  });
}
