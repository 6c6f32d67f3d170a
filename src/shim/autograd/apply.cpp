// SPDX-License-Identifier: MIT
// Entries for functions of the program.

#include <ATen/core/grad_mode.h>

#include "autograd/apply_node.h"
#include "autograd/gradcheck.h"
#include "autograd/turn.h"
#include "core/guard.h"
#include "tensor/alias_registry.h"

using namespace ftorch;

namespace {

std::unique_ptr<HostFunction> adopted(const ft_function* function) {
  const ft_function& given = *required(function, "function");
  if (!given.context || !given.forward || !given.backward || !given.copy || !given.release)
    fail(ft_invalid_argument, "function has null pointers");
  return std::make_unique<HostFunction>(given);
}

}  // namespace

int ft_apply(const ft_function* function, const ft_handle* input_handles, int64_t inputs_size, ft_handle* outputs,
             int64_t outputs_size) {
  return guard(ft_invalid_argument, [&] {
    auto own = adopted(function);
    const TurnPause pause;
    if (outputs_size == 0) fail(ft_invalid_argument, "outputs has no elements");
    const std::vector<Tensor*> targets = find_targets("outputs", outputs, outputs_size);
    check_apart("outputs", targets);
    const bool is_recorded = at::GradMode::is_enabled();
    Operands operands;
    Values inputs;
    for_each_tensor("inputs", input_handles, inputs_size,
                    [&](Tensor& one, std::size_t) { inputs.push_back(operands.add_if(is_recorded, one)); });
    Values results = apply(std::move(own), inputs, static_cast<std::size_t>(outputs_size));
    inputs.clear();
    operands.keep_apart();
    write_results("outputs", outputs, std::move(results));
  });
}

int ft_gradcheck(const ft_function* function, const ft_handle* input_handles, int64_t inputs_size, int64_t outputs_size,
                 double step, double tolerance, int32_t* is_right) {
  return guard(ft_invalid_argument, [&] {
    const auto own = adopted(function);
    const TurnPause pause;
    required(is_right, "is_right");
    if (outputs_size < 1) fail(ft_invalid_argument, "there must be an output");
    Values inputs;
    for_each_tensor("inputs", input_handles, inputs_size,
                    [&](Tensor& one, std::size_t) { inputs.push_back(one.value); });
    const std::string difference = wrong_derivative(*own, inputs, static_cast<std::size_t>(outputs_size), step,
                                                    tolerance);
    *is_right = difference.empty();
    set_text(difference);
  });
}
