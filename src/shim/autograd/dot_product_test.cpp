// SPDX-License-Identifier: MIT
// The dot-product test: a derivative and its transpose belong together if <Jv, w> = <v, J'w> for any v and w.

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/real.h>
#include <ATen/ops/vdot.h>

#include <algorithm>
#include <cmath>

#include "autograd/apply_node.h"
#include "autograd/derivative.h"
#include "autograd/products.h"
#include "core/guard.h"

using namespace ftorch;

namespace {

/// Random numbers from a generator of their own.
at::Tensor random_like(const at::Tensor& value, const at::Generator& generator) {
  const at::TensorOptions on_host = at::TensorOptions(value.scalar_type());
  return at::randn(value.sizes(), generator, on_host).to(value.device());
}

/// The product of tensors as vectors of real numbers, in double precision.
double product_of(const at::Tensor& a, const at::Tensor& b) {
  const at::ScalarType dtype = a.is_complex() ? at::kComplexDouble : at::kDouble;
  const auto vector = [&](const at::Tensor& one) { return one.detach().cpu().to(dtype).reshape({-1}); };
  return at::real(at::vdot(vector(a), vector(b))).item<double>();
}

}  // namespace

int ft_dot_product_test(ft_handle output_handle, ft_handle input_handle, int64_t seed, double* difference) {
  return guard(ft_autograd_error, [&] {
    required(difference, "difference");
    const Pair pair = pair_of(output_handle, input_handle);
    const at::Generator generator = at::detail::createCPUGenerator(static_cast<std::uint64_t>(seed));
    const at::Tensor v = random_like(pair.input, generator);
    const at::Tensor w = random_like(pair.output, generator);
    const at::Tensor pulled = differentiate(pair.output, pair.input, w, Graph::kept);
    const DifferencedAdjoints differenced(pair.output);
    const double forwards = product_of(push_forward(pair.output, pair.input, v), w);
    const double backwards = product_of(v, pulled);
    const double size = std::max(std::abs(forwards), std::abs(backwards));
    *difference = size > 0 ? std::abs(forwards - backwards) / size : std::abs(forwards - backwards);
  });
}
