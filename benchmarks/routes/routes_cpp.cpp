// SPDX-License-Identifier: MIT
// The network from C++ at its tightest: `routes_cpp torchscript|aoti MODEL BATCH CALLS`.
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

/// Calls forward(input) and copies what it returns to `results`.
template <class F>
void run(int calls, std::vector<float>& results, const F& forward) {
  const at::NoGradGuard no_grad;
  for (int i = 0; i < calls; ++i) {
    const at::Tensor output = forward();
    std::memcpy(results.data(), output.const_data_ptr(), results.size() * sizeof(float));
  }
}

}  // namespace

int main(int, char** arguments) {
  const std::string route = arguments[1];
  const int64_t batch = std::atoll(arguments[3]);
  const int calls = std::atoi(arguments[4]);
  std::vector<float> numbers(8 * batch), results(4 * batch);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::sin(0.1F * static_cast<float>(i + 1));
  const at::Tensor input = at::from_blob(numbers.data(), {batch, 8}, at::kFloat);
  if (route == "aoti") {
    torch::inductor::AOTIModelPackageLoader loader(arguments[2], "model", /*run_single_threaded=*/true);
    const std::vector<at::Tensor> inputs{input};
    run(calls, results, [&] { return loader.run(inputs)[0]; });
  } else {
    torch::jit::Module model = torch::jit::load(arguments[2], at::kCPU);
    model.eval();
    const torch::jit::Method method = model.get_method("forward");
    std::vector<c10::IValue> stack;
    run(calls, results, [&] {
      stack.assign({model._ivalue(), input});
      method.function().run(stack);
      return stack[0].toTensor();
    });
  }
  double sum = 0, squares = 0;
  for (const double number : results) {
    sum += number;
    squares += number * number;
  }
  std::printf("%16.7e%16.7e\n", sum, squares);
}
