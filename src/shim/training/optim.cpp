// SPDX-License-Identifier: MIT
// Entries for optimizers.

#include "training/optim.h"

#include "core/guard.h"
#include "tensor/tensor.h"

using namespace ftorch;

int ft_optim_create(int number, const ft_handle* parameters, int64_t parameters_size, const double* hyperparameters,
                    int64_t hyperparameters_size, ft_handle* out) {
  return guard(ft_internal_error, [&] {
    required(out, "out");
    const OptimizerRow& row = optimizer_row(number);
    if (hyperparameters_size > 0) required(hyperparameters, "hyperparameters");
    std::vector<GivenParameter> leaves;
    std::vector<at::Tensor> memories;
    for_each_tensor("parameters", parameters, parameters_size, [&](const Tensor& parameter, std::size_t i) {
      const at::Tensor& array = parameter.attached;
      const bool copies_array = array.defined() && array.device().is_cpu() && !array.is_same(parameter.value);
      leaves.push_back({parameter.value, tensors.identity(parameters[i]), array.defined(), copies_array});
      memories.push_back(array.defined() ? array : parameter.value);
    });
    check_parameters(leaves);
    check_disjoint(memories);
    *out = optims.acquire(std::make_shared<Optimizer>(
        row, std::vector<double>(hyperparameters, hyperparameters + hyperparameters_size), leaves));
  });
}

int ft_optim_copy(ft_handle optim, ft_handle* out) {
  return guard<true>(ft_internal_error, [&] {
    required(out, "out");
    *out = optims.acquire(optims.get(optim, "the optimizer"));
  });
}

int ft_optim_step(ft_handle optim) {
  return guard(ft_internal_error, [&] { optims.get(optim, "the optimizer")->step(); });
}

int ft_optim_zero_gradient(ft_handle optim) {
  return guard(ft_internal_error, [&] { optims.get(optim, "the optimizer")->zero_gradient(); });
}
