// SPDX-License-Identifier: MIT
// The same calls as calls.f90 as tight as LibTorch allows: `calls_cpp CASE MODEL ITERATIONS`.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/add.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mul.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

/// The executor itself, its arguments on a kept stack, results by memcpy.
void run_network(const std::string& name, const char* filename, int iterations) {
  float input[8];
  float output[4] = {};
  for (int i = 0; i < 8; ++i) input[i] = 0.1F * static_cast<float>(i + 1);
  auto model = torch::jit::load(filename, at::kCPU);
  model.eval();
  auto& program = torch::jit::toGraphFunction(model.get_method("forward").function());
  auto in = at::from_blob(input, {1, 8}, {1, 1}, at::kFloat);
  auto out = at::from_blob(output, {1, 4}, {1, 1}, at::kFloat);
  std::vector<c10::IValue> stack;
  const auto run = [&] {
    stack.clear();
    stack.emplace_back(model._ivalue());
    stack.emplace_back(in);
    program.run(stack);
    std::memcpy(out.mutable_data_ptr(), stack.back().toTensor().const_data_ptr(), sizeof(output));
  };
  for (int i = 0; i < iterations; ++i) {
    if (name == "session" || name == "rebinding") {
      const c10::InferenceMode inference;
      run();
    } else {
      const at::NoGradGuard no_grad;
      if (name == "wrapping") {
        in = at::from_blob(input, {1, 8}, {1, 1}, at::kFloat);
        out = at::from_blob(output, {1, 4}, {1, 1}, at::kFloat);
      }
      run();
    }
  }
  std::printf("%16.8e%16.8e%16.8e%16.8e\n", output[0], output[1], output[2], output[3]);
}

void wrap(bool is_vector, int iterations) {
  double x[16] = {};
  for (int i = 0; i < iterations; ++i) {
    if (is_vector) at::from_blob(x, {16}, {1}, at::kDouble);
    else at::from_blob(x, {2, 2, 2, 2}, {1, 2, 4, 8}, at::kDouble);
  }
  std::printf("0\n");
}

void multiply(int64_t n, int iterations) {
  const std::vector<double> x(static_cast<std::size_t>(n), 3.0), y(static_cast<std::size_t>(n), 2.0);
  std::vector<double> z(static_cast<std::size_t>(n));
  const auto wrapped = [n](const std::vector<double>& values) {
    return at::from_blob(const_cast<double*>(values.data()), {n}, {1}, at::kDouble);
  };
  const auto a = wrapped(x), b = wrapped(y);
  auto c = wrapped(z);
  for (int i = 0; i < iterations; ++i) at::mul_out(c, a, b);
  std::printf("%.1f\n", z.back());
}

/// An expression; its last operator writes to an array that is there.
void assign(bool is_attached, int iterations) {
  std::vector<double> x(16, 3.0), y(16, 2.0), z(16, 1.0), w(16);
  const auto wrapped = [](std::vector<double>& values) { return at::from_blob(values.data(), {16}, {1}, at::kDouble); };
  const auto a = wrapped(x), b = wrapped(y), c = wrapped(z);
  auto d = wrapped(w);
  for (int i = 0; i < iterations; ++i) {
    if (is_attached) at::add_out(d, at::mul(a, b), c);
    else d = at::add(at::mul(a, b), c);
  }
  std::printf("%.1f\n", d.const_data_ptr<double>()[15]);
}

}  // namespace

int main(int, char** arguments) {
  const std::string name = arguments[1];
  const int iterations = std::atoi(arguments[3]);
  if (name.rfind("mul", 0) == 0) multiply(std::atoll(name.c_str() + 3), iterations);
  else if (name.rfind("wrap", 0) == 0 && name.size() == 5) wrap(name == "wrap1", iterations);
  else if (name == "own16" || name == "attached16") assign(name == "attached16", iterations);
  else run_network(name, arguments[2], iterations);
}
