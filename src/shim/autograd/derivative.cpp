// SPDX-License-Identifier: MIT
// Derivatives of values by values, without touching the gradients of leaves.

#include "autograd/derivative.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include "autograd/turn.h"
#include "tensor/autocast.h"
#include "tensor/convert.h"

namespace ftorch {

Values differentiate(const Values& outputs, const Values& inputs, const Values& seeds, Graph graph) {
  const TurnPause pause;
  Values gradients = torch::autograd::grad(outputs, inputs, seeds, graph != Graph::freed, graph == Graph::recorded,
                                           /*allow_unused=*/true);
  forget_casts();
  return gradients;
}

at::Tensor differentiate(const at::Tensor& output, const at::Tensor& input, const at::Tensor& seed, Graph graph) {
  at::Tensor gradient = std::move(differentiate(Values{output}, Values{input}, Values{seed}, graph)[0]);
  if (!gradient.defined()) fail(ft_autograd_error, "output does not depend on input");
  return gradient;
}

void check_has_graph(const at::Tensor& output) {
  if (!output.requires_grad())
    fail(ft_autograd_error, "the tensor depends on nothing that was made with requires_grad");
}

void check_is_input(const at::Tensor& input) {
  if (!input.requires_grad()) fail(ft_autograd_error, "the tensor was made without requires_grad");
}

at::Tensor jacobian_of(const at::Tensor& output, const at::Tensor& input) {
  for (const at::Tensor& one : {output, input}) {
    if (one.is_complex())
      fail(ft_dtype_mismatch, "the tensor is " + form_text(one) +
                                  "; a Jacobian is of real tensors, products with it are of complex ones as well");
  }
  std::vector<int64_t> shape(output.sizes().begin(), output.sizes().end());
  shape.insert(shape.end(), input.sizes().begin(), input.sizes().end());
  at::NoGradGuard no_grad;
  at::Tensor jacobian = at::zeros(shape, input.options());
  const at::Tensor rows = jacobian.view({output.numel(), input.numel()});
  at::Tensor seed = at::zeros(output.sizes(), output.options());
  const at::Tensor elements = seed.view({-1});
  for (int64_t i = 0; i < output.numel(); ++i) {
    elements[i].fill_(1);
    rows[i].copy_(differentiate(output, input, seed, Graph::kept).reshape({-1}));
    elements[i].fill_(0);
  }
  return jacobian;
}

}  // namespace ftorch
