// SPDX-License-Identifier: MIT
// The same chain in C++: `chain_cpp ELEMENTS CALLS`.
#include <ATen/ATen.h>

#include <cstdio>
#include <cstdlib>

int main(int, char** argv) {
  const at::Tensor x = at::full({std::atoll(argv[1])}, 0.5, at::kDouble);
  const int calls = std::atoi(argv[2]);
  at::Tensor y;
  for (int i = 0; i < calls; ++i) y = at::tanh(at::exp(at::sin(x) * 0.5 - at::cos(x)) + at::sqrt(at::abs(x) + x * x));
  std::printf("%20.12E\n", y.mean().item<double>());
}
