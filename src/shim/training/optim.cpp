// SPDX-License-Identifier: MIT
// Entries for optimizers.

#include "training/optim.h"

#include <c10/util/ScopeExit.h>

#include "core/guard.h"
#include "tensor/autocast.h"
#include "tensor/convert.h"

using namespace ftorch;

namespace {

Optimizer& optimizer(ft_handle handle) { return *optims.get(handle, "the optimizer"); }

/// The place of a group, whose number counts from 1.
std::size_t place_of_group(Optimizer& optim, int64_t group) {
  const auto groups = static_cast<int64_t>(optim.groups().size());
  if (group < 1 || group > groups)
    fail(ft_invalid_argument,
         "group is " + std::to_string(group) + "; the optimizer has groups 1 to " + std::to_string(groups));
  return static_cast<std::size_t>(group - 1);
}

/// The hyperparameters that the optimizer was made with, changed by those that are given.
std::vector<double> changed(const Optimizer& optim, const double* values, const int32_t* given) {
  std::vector<double> hyperparameters = optim.defaults();
  const auto names = all_hyperparameters();
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!given[i]) continue;
    const auto place = optim.place_of(names[i]);
    if (!place) fail(ft_invalid_argument, std::string(optim.row().name) + " has no argument " + names[i]);
    hyperparameters[*place] = values[i];
  }
  return hyperparameters;
}

}  // namespace

int ft_optim_create(int number, const ft_handle* parameters, int64_t parameters_size, const double* hyperparameters,
                    int64_t hyperparameters_size, ft_handle* out) {
  return guard(ft_internal_error, [&] {
    required(out, "out");
    const OptimizerRow& row = optimizer_row(number);
    if (hyperparameters_size > 0) required(hyperparameters, "hyperparameters");
    std::shared_ptr<Optimizer> made = row.make(row);
    made->add_group(std::vector<double>(hyperparameters, hyperparameters + hyperparameters_size),
                    parameters_of(parameters, parameters_size));
    *out = optims.acquire(std::move(made));
  });
}

int ft_optim_add_parameters(ft_handle optim, const ft_handle* parameters, int64_t parameters_size, const double* values,
                            const int32_t* given) {
  return guard(ft_internal_error, [&] {
    Optimizer& found = optimizer(optim);
    required(values, "values");
    required(given, "given");
    found.add_group(changed(found, values, given), parameters_of(parameters, parameters_size));
  });
}

int ft_optim_copy(ft_handle optim, ft_handle* out) {
  return guard<true>(ft_internal_error, [&] {
    required(out, "out");
    *out = optims.acquire(optims.get(optim, "the optimizer"));
  });
}

int ft_optim_step(ft_handle optim) {
  return guard(ft_internal_error, [&] {
    optimizer(optim).step();
    forget_casts();
  });
}

int ft_optim_step_with(ft_handle optim, ft_handle loss, int is_first, int32_t* wants_loss) {
  return guard(ft_internal_error, [&] {
    required(wants_loss, "wants_loss");
    *wants_loss = 0;
    Optimizer& found = optimizer(optim);
    auto undo = c10::make_scope_exit([&] { found.abandon_step(); });
    const at::Tensor& value = tensor(loss, "loss").value;
    if (value.is_complex())
      fail(ft_dtype_mismatch, "loss is " + dtype_name(value.scalar_type()) + "; it must be one real number");
    if (value.numel() != 1)
      fail(ft_shape_mismatch, "loss has shape " + shape_text(value.sizes()) + "; it must be one real number");
    *wants_loss = found.step_with(value.item<double>(), is_first != 0);
    undo.release();
    forget_casts();
  });
}

int ft_optim_abandon_step(ft_handle optim) {
  return guard(ft_internal_error, [&] { optimizer(optim).abandon_step(); });
}

int ft_optim_zero_gradient(ft_handle optim) {
  return guard(ft_internal_error, [&] { optimizer(optim).zero_gradient(); });
}

int ft_optim_set_learning_rate(ft_handle optim, double value, int64_t group) {
  return guard(ft_internal_error, [&] {
    Optimizer& found = optimizer(optim);
    if (group != 0) return found.set_hyperparameter(place_of_group(found, group), 0, value);
    for (std::size_t g = 0; g < found.groups().size(); ++g) found.set_hyperparameter(g, 0, value);
  });
}

int ft_optim_learning_rate(ft_handle optim, int64_t group, double* value) {
  return guard(ft_internal_error, [&] {
    Optimizer& found = optimizer(optim);
    *required(value, "value") = found.learning_rate(place_of_group(found, group));
  });
}

int ft_optim_skip_nonfinite(ft_handle optim, int skip) {
  return guard(ft_internal_error, [&] { optimizer(optim).set_skip_nonfinite(skip != 0); });
}

int ft_optim_skipped(ft_handle optim, int64_t* count) {
  return guard(ft_internal_error, [&] { *required(count, "count") = optimizer(optim).skipped(); });
}
