// SPDX-License-Identifier: MIT
// Entry for the gradients of several outputs by several inputs.

#include "autograd/derivative.h"
#include "autograd/gradient.h"
#include "core/guard.h"
#include "tensor/alias_registry.h"

using namespace ftorch;

namespace {

void check_count(const char* name, int64_t count, const char* expected_name, int64_t expected) {
  if (count != expected)
    fail(ft_invalid_argument, std::string(name) + " has " + std::to_string(count) + " elements, " + expected_name +
                                  " " + std::to_string(expected));
}

/// The values behind handles, at least one, each of which must pass `check`.
template <class Check>
Values values_of(const char* name, const ft_handle* handles, int64_t size, const Check& check) {
  if (size == 0) fail(ft_invalid_argument, std::string(name) + " has no elements");
  Values values;
  for_each_tensor(name, handles, size, [&](Tensor& one, std::size_t) {
    check(one.value);
    values.push_back(one.value);
  });
  return values;
}

/// What the pass begins with: what was given, or ones. A graph of the gradients may keep it.
Values seeds_of(const Values& outputs, const ft_handle* given, int64_t given_size, bool is_recorded,
                Operands& operands) {
  if (given_size > 0) required(given, "output_gradients");
  Values seeds;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (given_size == 0 || !given[i]) {
      Context context("outputs", static_cast<int64_t>(i));
      seeds.push_back(initial_gradient(outputs[i], "its element of output_gradients"));
      continue;
    }
    Context context("output_gradients", static_cast<int64_t>(i));
    Tensor& seed = tensor(given[i], "the tensor");
    check_is_like(seed.value, outputs[i], "the tensor", "the output");
    seeds.push_back(is_recorded ? operands.add(seed) : seed.value);
  }
  return seeds;
}

/// Fails for a target that no gradient of its input can be written to.
void check_targets(const ft_handle* handles, const Values& inputs, bool is_recorded) {
  const std::vector<Tensor*> targets = find_targets("gradients", handles, static_cast<int64_t>(inputs.size()));
  check_apart("gradients", targets);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Context context("gradients", static_cast<int64_t>(i));
    if (targets[i]) PendingWrite(*targets[i], is_recorded ? inputs[i] : inputs[i].detach(), Write::result);
  }
}

}  // namespace

int ft_grad(const ft_handle* output_handles, int64_t outputs_size, const ft_handle* input_handles, int64_t inputs_size,
            const ft_handle* output_gradients, int64_t output_gradients_size, int retain_graph, int create_graph,
            int allow_unused, ft_handle* gradients, int64_t gradients_size) {
  return guard(ft_autograd_error, [&] {
    check_count("gradients", gradients_size, "inputs", inputs_size);
    if (output_gradients_size > 0) check_count("output_gradients", output_gradients_size, "outputs", outputs_size);
    const Values outputs = values_of("outputs", output_handles, outputs_size, check_has_graph);
    const Values inputs = values_of("inputs", input_handles, inputs_size, check_is_input);
    const bool is_recorded = create_graph != 0;
    check_targets(gradients, inputs, is_recorded);
    const Graph graph = is_recorded ? Graph::recorded : retain_graph != 0 ? Graph::kept : Graph::freed;
    Operands operands;
    Values seeds = seeds_of(outputs, output_gradients, output_gradients_size, is_recorded, operands);
    Values results = differentiate(outputs, inputs, seeds, graph);
    for (std::size_t i = 0; i < results.size(); ++i) {
      Context context("inputs", static_cast<int64_t>(i));
      if (!results[i].defined() && allow_unused == 0)
        fail(ft_autograd_error, "outputs do not depend on the tensor; allow_unused=.true. leaves its gradient empty");
      if (results[i].defined()) results[i] = own_value(std::move(results[i]));
    }
    seeds.clear();
    operands.keep_apart();
    write_results("gradients", gradients, std::move(results));
  });
}
