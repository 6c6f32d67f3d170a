// SPDX-License-Identifier: MIT
// Entries that bound gradients, after torch.nn.utils.clip_grad_norm_ and clip_grad_value_.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_clamp_max.h>
#include <ATen/ops/_foreach_clamp_min.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "core/guard.h"
#include "core/thread.h"
#include "tensor/plain.h"
#include "tensor/tensor.h"
#include "training/hyperparameters.h"
#include "training/optim.h"

using namespace ftorch;

namespace {

using TensorVector = std::vector<at::Tensor>;

/// Adds a gradient, if there is one, to those of its dtype and device.
void add_gradient(std::vector<TensorVector>& groups, at::Tensor& gradient) {
  if (!gradient.defined() || gradient.numel() == 0) return;
  check_plain(gradient);
  // A graph may hold it.
  if (is_shared(gradient, 1)) gradient = gradient.clone();
  const auto is_alike = [&](const TensorVector& group) {
    return group[0].scalar_type() == gradient.scalar_type() && group[0].device() == gradient.device();
  };
  const auto group = std::find_if(groups.begin(), groups.end(), is_alike);
  if (group != groups.end()) group->push_back(gradient);
  else groups.push_back({gradient});
}

/// Gradients of those parameters that have one, by dtype and device.
std::vector<TensorVector> gradients_of(const ft_handle* parameters, int64_t size) {
  std::vector<TensorVector> groups;
  std::unordered_set<const at::TensorImpl*> leaves;
  for_each_tensor("parameters", parameters, size, [&](const Tensor& parameter, std::size_t) {
    if (!parameter.value.is_leaf() || !parameter.value.requires_grad())
      fail(ft_invalid_argument, "the tensor is no leaf that requires a gradient");
    if (!leaves.insert(parameter.value.unsafeGetTensorImpl()).second)
      fail(ft_invalid_argument, "the tensor was given before");
    add_gradient(groups, parameter.value.mutable_grad());
  });
  return groups;
}

/// It may be infinite.
void check_bound(const char* name, double value) {
  if (!(value >= 0))
    fail(ft_invalid_argument, std::string(name) + " is " + number_text(value) + "; it must be at least 0");
}

at::Tensor total_norm(const std::vector<TensorVector>& groups, double norm_type) {
  TensorVector norms;
  for (const TensorVector& group : groups) {
    for (const at::Tensor& norm : at::_foreach_norm(group, norm_type)) norms.push_back(norm.to(groups[0][0].device()));
  }
  // As torch.stack promotes them.
  at::ScalarType dtype = norms[0].scalar_type();
  for (const at::Tensor& norm : norms) dtype = c10::promoteTypes(dtype, norm.scalar_type());
  for (at::Tensor& norm : norms) norm = norm.to(dtype);
  return at::linalg_vector_norm(at::stack(norms), norm_type);
}

bool all_small(const std::vector<TensorVector>& groups) {
  return std::all_of(groups.begin(), groups.end(), [](const TensorVector& group) {
    return std::all_of(group.begin(), group.end(), [](const at::Tensor& one) { return is_small(one); });
  });
}

/// Scales the gradients so that their norm is at most `max_norm`; returns what it was.
double clip(const std::vector<TensorVector>& groups, double max_norm, double norm_type) {
  if (groups.empty()) return 0;
  const OneThread one_thread(all_small(groups));
  const at::Tensor total = total_norm(groups, norm_type);
  const at::Tensor factor = total.add(1e-6).reciprocal_().mul_(max_norm).clamp_max_(1.0);
  for (const TensorVector& group : groups) at::_foreach_mul_(group, factor.to(group[0].device()));
  return total.item<double>();
}

}  // namespace

int ft_clip_grad_norm(const ft_handle* parameters, int64_t parameters_size, double max_norm, double norm_type,
                      double* norm) {
  return guard(ft_internal_error, [&] {
    required(norm, "norm");
    check_bound("max_norm", max_norm);
    check_bound("norm_type", norm_type);
    *norm = 0;
    at::NoGradGuard no_grad;
    *norm = clip(gradients_of(parameters, parameters_size), max_norm, norm_type);
  });
}

int ft_optim_clip_grad_norm(ft_handle optim, double max_norm, double* norm) {
  return guard(ft_internal_error, [&] {
    required(norm, "norm");
    check_bound("max_norm", max_norm);
    const auto optimizer = optims.get(optim, "the optimizer");
    at::NoGradGuard no_grad;
    std::vector<TensorVector> groups;
    for (const Parameter& parameter : optimizer->parameters()) add_gradient(groups, parameter.gradient());
    *norm = clip(groups, max_norm, 2);
  });
}

int ft_clip_grad_value(const ft_handle* parameters, int64_t parameters_size, double max_value) {
  return guard(ft_internal_error, [&] {
    check_bound("max_value", max_value);
    at::NoGradGuard no_grad;
    const std::vector<TensorVector> groups = gradients_of(parameters, parameters_size);
    const OneThread one_thread(all_small(groups));
    for (const TensorVector& group : groups) {
      if (group[0].is_complex())
        fail(ft_dtype_mismatch, "a complex gradient has no order in which it could be clipped");
    }
    for (const TensorVector& group : groups) {
      at::_foreach_clamp_min_(group, -max_value);
      at::_foreach_clamp_max_(group, max_value);
    }
  });
}
