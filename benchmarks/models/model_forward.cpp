// SPDX-License-Identifier: MIT
// The same passes as model_forward.f90 in eager mode: `model_forward_cpp NETWORK FILE SIZES SIZES CALLS`.
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "eager.h"

int main(int, char **arguments) {
  const auto network = eager_network(arguments[1], arguments[2]);
  const std::vector<int64_t> from = sizes_of(arguments[3]), to = sizes_of(arguments[4]);
  std::vector<float> numbers = sample(from), result = sample(to);
  const at::Tensor x = wrap(numbers, from), y = wrap(result, to);
  const long calls = std::strtol(arguments[5], nullptr, 10);
  for (long i = 0; i < calls; ++i) {
    at::NoGradGuard no_grad;
    y.copy_(network(x));
  }
  double sum = 0, squares = 0;
  for (const double number : result) {
    sum += number;
    squares += number * number;
  }
  std::printf("%24.16e%24.16e\n", sum, squares);
}
