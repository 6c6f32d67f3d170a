// SPDX-License-Identifier: MIT
// Entries for optimizers.

#include "optim.h"

#include "elements.h"
#include "guard.h"
#include "tensor.h"
#include "wrapped.h"

using namespace ftorch;

namespace {

/// Writes parameters on a device to the arrays that they were made from.
void follow(const std::vector<ft_handle>& parameters) {
  for (const ft_handle parameter : parameters) {
    Tensor* const found = tensors.find(parameter);
    if (!found || !found->attached.defined() || found->attached.device() == found->value.device()) continue;
    prepare_write(*found);
    copy_numbers(found->attached, found->value);
  }
}

}  // namespace

int ft_optim_create(int number, const ft_handle* parameters, int64_t parameters_size, const double* hyperparameters,
                    int64_t hyperparameters_size, ft_handle* out) {
  return guard(ft_internal_error, [&] {
    required(out, "out");
    const OptimizerRow& row = optimizer_row(number);
    if (hyperparameters_size > 0) required(hyperparameters, "hyperparameters");
    std::vector<at::Tensor> values;
    for_each_tensor("parameters", parameters, parameters_size,
                    [&](const Tensor& parameter, std::size_t) { values.push_back(parameter.value); });
    auto made = std::make_shared<Optimizer>(
        row, std::vector<double>(hyperparameters, hyperparameters + hyperparameters_size), values);
    made->given.assign(parameters, parameters + parameters_size);
    *out = optims.acquire(std::move(made));
  });
}

int ft_optim_copy(ft_handle optim, ft_handle* out) {
  return guard(ft_internal_error, [&] {
    required(out, "out");
    *out = optims.acquire(optims.get(optim, "the optimizer"));
  });
}

int64_t ft_optim_live() { return optims.live(); }

int ft_optim_step(ft_handle optim) {
  return guard(ft_internal_error, [&] {
    Optimizer& optimizer = *optims.get(optim, "the optimizer");
    optimizer.step();
    follow(optimizer.given);
  });
}

int ft_optim_zero_gradient(ft_handle optim) {
  return guard(ft_internal_error, [&] { optims.get(optim, "the optimizer")->zero_gradient(); });
}
