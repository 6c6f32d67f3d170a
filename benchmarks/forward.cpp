// SPDX-License-Identifier: MIT
// The same calls as forward.f90, written against LibTorch: `forward_cpp MODEL ITERATIONS`.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cstdio>
#include <cstdlib>

int main(int, char **arguments) {
  float input[8];
  float output[4] = {};
  for (int i = 0; i < 8; ++i) input[i] = 0.1F * static_cast<float>(i + 1);
  const auto in = at::from_blob(input, {1, 8}, {1, 1}, at::kFloat);
  auto out = at::from_blob(output, {1, 4}, {1, 1}, at::kFloat);
  auto model = torch::jit::load(arguments[1], at::kCPU);
  model.eval();
  const int iterations = std::atoi(arguments[2]);
  for (int i = 0; i < iterations; ++i) {
    at::NoGradGuard no_grad;
    out.copy_(model.forward({in}).toTensor());
  }
  std::printf("%16.8e%16.8e%16.8e%16.8e\n", output[0], output[1], output[2], output[3]);
}
