// SPDX-License-Identifier: MIT
// Forward passes: what a model is given, what it returns, and whose memory that is.

#include "model/forward.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <c10/util/ScopeExit.h>

#include <algorithm>
#include <exception>
#include <functional>

#include "core/guard.h"
#include "core/text.h"
#include "model/argument_names.h"
#include "model/model.h"
#include "tensor/alias_registry.h"
#include "tensor/autocast.h"
#include "tensor/convert.h"
#include "tensor/region.h"
#include "tensor/results.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

c10::SmallVector<Tensor*, 8> tensors_of(const char* name, const ft_handle* handles, int64_t size) {
  c10::SmallVector<Tensor*, 8> list;
  for_each_tensor(name, handles, size, [&](Tensor& one, std::size_t) { list.push_back(&one); });
  return list;
}

/// "1 tensor", "2 tensors"
std::string tensors_text(std::size_t count) { return std::to_string(count) + (count == 1 ? " tensor" : " tensors"); }

bool is_alias(const at::Tensor& a, const at::Tensor& b) {
  return a.is_same(b) || (a.has_storage() && b.has_storage() && a.is_alias_of(b));
}

/// Inputs for a model that keeps or writes them: copies, in the graph, that are the model's own.
PassTensors copies_of(at::TensorList inputs) {
  PassTensors copies;
  for (const at::Tensor& input : inputs) {
    const auto same = std::find_if(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(copies.size()),
                                   [&](const at::Tensor& other) { return other.is_same(input); });
    copies.push_back(copies.size() == static_cast<std::size_t>(same - inputs.begin())
                         ? input.clone()
                         : copies[static_cast<std::size_t>(same - inputs.begin())]);
  }
  return copies;
}

/// True when the model wrote its copy of an input; through `x.data` it does so without a new version.
bool is_written(const at::Tensor& copy, const at::Tensor& value) {
  return copy._version() > 0 || !at::equal(copy.detach(), value.detach());
}

/// Fails where an input that the model writes shares memory with another.
void check_written_alone(at::TensorList values, std::size_t i) {
  for (std::size_t j = 0; j < values.size(); ++j) {
    if (!values[i].is_same(values[j]) && overlap(values[i], values[j]))
      fail(ft_invalid_argument,
           "the model writes it in place, and it shares its memory with " + element_text(argument_names.inputs, j));
  }
}

/// Adds the writes of what the model wrote in place into its copies of the inputs.
void add_input_writes(at::ArrayRef<Tensor*> inputs, at::TensorList values, at::TensorList copies, PassWrites& writes) {
  for (std::size_t i = 0; i < copies.size(); ++i) {
    if (!is_written(copies[i], values[i])) continue;
    Context context(argument_names.inputs, static_cast<int64_t>(i));
    const bool is_leaf = values[i].requires_grad() && values[i].is_leaf();
    if (is_leaf && copies[i]._version() > 0 && at::GradMode::is_enabled())
      fail(ft_autograd_error, "the model writes it in place, which a leaf with requires_grad forbids");
    check_written_alone(values, i);
    writes.emplace_back(*inputs[i], (is_leaf ? copies[i].detach() : copies[i]).clone(), Write::result);
  }
}

/// True when the result lies in memory that the model, an input or another result has as well.
bool aliases_live_memory(const at::Tensor& result, const Model& model, at::TensorList model_inputs,
                         at::TensorList results) {
  if (!is_shared(result, 1)) return false;
  return model.effects().has_state || model.owns(result) ||
         std::any_of(model_inputs.begin(), model_inputs.end(),
                     [&](const at::Tensor& input) { return is_alias(input, result); }) ||
         std::any_of(results.begin(), results.end(),
                     [&](const at::Tensor& other) { return &other != &result && is_alias(other, result); });
}

/// The result as its receiver has it: in memory of its own, and without a graph unless one was asked for.
at::Tensor received(at::Tensor& result, const Model& model, at::TensorList model_inputs, at::TensorList results) {
  if (is_expanded(result)) result = result.clone(at::MemoryFormat::Contiguous);
  else if (aliases_live_memory(result, model, model_inputs, results)) result = result.clone();
  if (!at::GradMode::is_enabled() && result.requires_grad()) result = result.detach();
  return std::move(result);
}

/// Puts back what a pass has changed in the model unless all of the pass succeeds.
class Undo {
 public:
  explicit Undo(std::function<void()> put_back)
      : put_back_(std::move(put_back)), exceptions_(put_back_ ? std::uncaught_exceptions() : 0) {}
  ~Undo() {
    if (!put_back_ || std::uncaught_exceptions() == exceptions_) return;
    try {
      put_back_();
    } catch (...) {  // The failure that is told is the one that led here.
    }
  }
  Undo(const Undo&) = delete;
  Undo& operator=(const Undo&) = delete;

 private:
  std::function<void()> put_back_;
  int exceptions_;
};

/// True for a leaf over an array: the program may write that before the next pass.
bool is_leaf_of_program(const Tensor* input) {
  return input->attached.defined() && input->value.requires_grad() && input->value.is_leaf();
}

PassTensors run(Model& model, at::TensorList model_inputs) {
  const Remark remark([&] { return inputs_text(model, model_inputs); });
  return model.forward(model_inputs);
}

}  // namespace

PassTensors ftorch::run_on_copies(Model& model, at::TensorList values) {
  const PassTensors copies = copies_of(values);
  PassTensors results = run(model, copies);
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const Context context(argument_names.inputs, static_cast<int64_t>(i));
    if (is_written(copies[i], values[i])) check_written_alone(values, i);
  }
  return results;
}

std::string ftorch::inputs_text(const Model& model, at::TensorList model_inputs) {
  std::string text;
  for (std::size_t i = 0; i < model_inputs.size(); ++i)
    text += "; " + element_text(argument_names.inputs, i) + " is " + form_text(model_inputs[i]);
  const NamedTensors parameters = model.parameters();
  if (!parameters.empty())
    text += "; the model's first parameter, " + parameters[0].first + ", is " + form_text(parameters[0].second);
  return text;
}

void ftorch::check_result_count(std::size_t count, std::size_t outputs) {
  if (count != outputs)
    fail(ft_invalid_argument, std::string(argument_names.outputs) + ": the model returns " + tensors_text(count) +
                                  "; there is room for " + std::to_string(outputs));
}

void ftorch::add_output_writes(at::ArrayRef<Tensor*> outputs, const Model& model, at::TensorList model_inputs,
                               PassTensors& results, PassWrites& writes) {
  check_result_count(results.size(), outputs.size());
  for (std::size_t i = 0; i < results.size(); ++i) {
    Context context(argument_names.outputs, static_cast<int64_t>(i));
    writes.emplace_back(*outputs[i], received(results[i], model, model_inputs, results), Write::output);
  }
}

void ftorch::forward(Model& model, at::ArrayRef<Tensor*> inputs, at::ArrayRef<Tensor*> outputs, bool requires_grad) {
  check_apart(argument_names.outputs, outputs);
  if (const auto count = model.result_count()) check_result_count(*count, outputs.size());
  PassTensors values;
  const bool touches_inputs = model.effects().touches_inputs;
  const bool has_gradients = requires_grad && at::GradMode::is_enabled();
  const bool is_recorded = has_gradients && !touches_inputs;
  Operands operands;
  for (Tensor* const input : inputs) values.push_back(is_recorded ? operands.add(*input, true) : input->value);
  at::AutoGradMode grad_mode(has_gradients);
  const PassTensors copies = touches_inputs ? copies_of(values) : PassTensors();
  const PassTensors& model_inputs = touches_inputs ? copies : values;
  const Undo undo(model.saved_state());
  const auto forget = c10::make_scope_exit([&] {
    if (!has_gradients || std::any_of(inputs.begin(), inputs.end(), is_leaf_of_program)) forget_casts();
  });
  PassTensors results = run(model, model_inputs);
  PassWrites writes;
  add_input_writes(inputs, values, copies, writes);
  add_output_writes(outputs, model, model_inputs, results, writes);
  values.clear();  // of an input that is an output as well nobody needs the old numbers
  operands.keep_apart();
  for (PendingWrite& write : writes) write.prepare();
  for (PendingWrite& write : writes) write.commit();
}

int ft_model_forward(ft_handle handle, const ft_handle* input_handles, int64_t inputs_size,
                     const ft_handle* output_handles, int64_t outputs_size, int requires_grad, const char* method) {
  return guard(ft_model_error, [&] {
    Model& whole = *models.get(handle, "the model");
    Model& model = method && *method ? whole.method(method) : whole;
    const auto inputs = tensors_of(argument_names.inputs, input_handles, inputs_size);
    const auto outputs = tensors_of(argument_names.outputs, output_handles, outputs_size);
    forward(model, inputs, outputs, requires_grad != 0);
  });
}
