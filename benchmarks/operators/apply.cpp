// SPDX-License-Identifier: MIT
// The same node as in apply.f90, written against LibTorch.
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/ones_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cstdio>
#include <cstdlib>

struct Cube : torch::autograd::Function<Cube> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x) {
    at::Tensor y = at::empty_like(x);
    const double* const from = x.const_data_ptr<double>();
    double* const to = y.mutable_data_ptr<double>();
    for (int64_t i = 0; i < x.numel(); ++i) to[i] = from[i] * from[i] * from[i];
    context->save_for_backward({x, y});
    return y;
  }
  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               const torch::autograd::tensor_list& gradients) {
    const at::Tensor x = context->get_saved_variables()[0];
    at::Tensor gradient = at::empty_like(x);
    const double* const from = x.const_data_ptr<double>();
    const double* const by = gradients[0].const_data_ptr<double>();
    double* const to = gradient.mutable_data_ptr<double>();
    for (int64_t i = 0; i < x.numel(); ++i) to[i] = 3 * from[i] * from[i] * by[i];
    return {gradient};
  }
};

int main(int, char** arguments) {
  const long n = std::strtol(arguments[1], nullptr, 10);
  const long calls = std::strtol(arguments[2], nullptr, 10);
  at::Tensor x = at::empty({n}, at::kDouble);
  for (long i = 0; i < n; ++i) x.mutable_data_ptr<double>()[i] = 1.0 / static_cast<double>(i + 1);
  x.set_requires_grad(true);
  for (long i = 0; i < calls; ++i) {
    const at::Tensor y = Cube::apply(x);
    y.backward(at::ones_like(y));
  }
  std::printf("%16.8E\n", x.grad().sum().item<double>());
}
