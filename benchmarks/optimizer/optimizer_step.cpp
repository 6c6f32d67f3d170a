// SPDX-License-Identifier: MIT
// The kernels behind optimizer_step.f90 alone, with steps counted on the host: `optimizer_step_cpp OPTIMIZER PARAMETERS STEPS`.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

int main(int, char **arguments) {
  const std::vector<std::vector<int64_t>> shapes{{32, 8}, {1, 32}, {32, 32}, {1, 32}, {4, 32}, {1, 4}};
  const std::string optimizer = arguments[1];
  const std::size_t parameters = std::strtoul(arguments[2], nullptr, 10);
  const int steps = std::atoi(arguments[3]);
  std::vector<at::Tensor> weights, gradients, counts, first, second;
  for (std::size_t i = 0; i < parameters; ++i) {
    weights.push_back(at::ones(shapes[i % 6]).set_requires_grad(true));
    gradients.push_back(at::full_like(weights[i], 2));
    counts.push_back(at::zeros({}));
    first.push_back(at::zeros_like(gradients[i]));
    second.push_back(at::zeros_like(gradients[i]));
  }
  at::NoGradGuard no_grad;
  for (int i = 0; i < steps; ++i) {
    if (optimizer == "SGD") {
      at::_fused_sgd_(weights, gradients, first, 0, 0.9, 1e-3, 0, false, false, i == 0);
      continue;
    }
    for (const at::Tensor &count : counts) ++*count.mutable_data_ptr<float>();
    if (optimizer == "Adam")
      at::_fused_adam_(weights, gradients, first, second, {}, counts, 1e-3, 0.9, 0.999, 0, 1e-8, false, false);
    else at::_fused_adamw_(weights, gradients, first, second, {}, counts, 1e-3, 0.9, 0.999, 1e-2, 1e-8, false, false);
  }
  double total = 0;
  for (const at::Tensor &weight : weights) total += weight.mean().item<float>();
  std::printf("%20.12e\n", total);
}
