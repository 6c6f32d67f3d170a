// SPDX-License-Identifier: MIT
// The same steps as training_step.f90, written against LibTorch with its fused kernels:
// `training_step_cpp MODEL OPTIMIZER BATCH INPUTS OUTPUTS [COMPILED_STEP] STEPS`.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_fused_adam.h>
#include <ATen/ops/_fused_sgd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

int main(int count, char **arguments) {
  const auto number = [&](int place) { return std::strtol(arguments[place], nullptr, 10); };
  const std::string optimizer = arguments[2];
  const long batch = number(3), inputs = number(4), outputs = number(5), steps = number(count - 1);
  const at::Tensor x = at::empty({batch, inputs}), y = at::empty({batch, outputs});
  for (long j = 0; j < batch; ++j) {
    for (long i = 0; i < inputs; ++i)
      x.mutable_data_ptr<float>()[j * inputs + i] = std::sin(0.1F * static_cast<float>(i + 1 + 7 * (j + 1)));
    for (long i = 0; i < outputs; ++i)
      y.mutable_data_ptr<float>()[j * outputs + i] = std::cos(0.1F * static_cast<float>(i + 1 + 3 * (j + 1)));
  }
  auto model = torch::jit::load(arguments[1], at::kCPU);
  model.train();
  std::vector<at::Tensor> weights, gradients, counts, first, second;
  for (const at::Tensor &weight : model.parameters()) {
    weights.push_back(weight);
    counts.push_back(at::zeros({}));
    first.push_back(at::zeros_like(weight, weight.options().requires_grad(false)));
    second.push_back(at::zeros_like(weight, weight.options().requires_grad(false)));
  }
  std::unique_ptr<torch::inductor::AOTIModelPackageLoader> compiled;
  if (count > 7) compiled = std::make_unique<torch::inductor::AOTIModelPackageLoader>(arguments[6], "model", true);
  std::vector<at::Tensor> given = weights;
  given.insert(given.end(), {x, y});
  at::Tensor loss;
  for (long step = 0; step < steps; ++step) {
    gradients.clear();
    if (compiled) {
      const at::NoGradGuard no_grad;
      std::vector<at::Tensor> results = compiled->run(given);
      loss = results[0];
      gradients.assign(results.begin() + 1, results.end());
    } else {
      for (at::Tensor &weight : weights) weight.mutable_grad().reset();
      loss = at::mse_loss(model.forward({x}).toTensor(), y);
      loss.backward();
      for (const at::Tensor &weight : weights) gradients.push_back(weight.grad());
    }
    const at::NoGradGuard no_grad;
    if (optimizer == "SGD") {
      at::_fused_sgd_(weights, gradients, first, 0, 0.9, 1e-3, 0, false, false, step == 0);
    } else {
      for (const at::Tensor &count : counts) ++*count.mutable_data_ptr<float>();
      at::_fused_adam_(weights, gradients, first, second, {}, counts, 1e-3, 0.9, 0.999, 0, 1e-8, false, false);
    }
  }
  std::printf("%16.8E\n", loss.item<float>());
}
