// SPDX-License-Identifier: MIT
// A function of the program as a node of the graph, and its adjoint as one for the dot-product test.

#include "autograd/apply_node.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/saved_variable.h>

#include <cmath>
#include <limits>
#include <mutex>
#include <unordered_set>

#include "autograd/gradient.h"
#include "tensor/convert.h"

namespace ftorch {
namespace {

using torch::autograd::Node;
using torch::autograd::SavedVariable;
using NodePointer = decltype(torch::autograd::Edge::function);

/// A node as this version of LibTorch counts references to it.
template <class T, class... Arguments>
auto make_node(Arguments&&... arguments) {
  if constexpr (std::is_same_v<NodePointer, std::shared_ptr<Node>>) {
    const auto end = [](auto* node) { deleteNode(node); };
    return std::shared_ptr<T>(new T(std::forward<Arguments>(arguments)...), end);
  } else {
    return c10::make_intrusive<T>(std::forward<Arguments>(arguments)...);
  }
}

std::vector<SavedVariable> saved(const Values& values, bool are_outputs) {
  std::vector<SavedVariable> list;
  list.reserve(values.size());
  for (const at::Tensor& value : values) list.emplace_back(value, are_outputs);
  return list;
}

/// Fails unless the program's gradient of an input is one.
void check_gradient(const at::Tensor& gradient, const at::Tensor& input, std::size_t i) {
  const std::string name = "input_gradients(" + std::to_string(i + 1) + ")";
  const std::string input_name = "inputs(" + std::to_string(i + 1) + ")";
  if (!gradient.defined())
    fail(ft_autograd_error,
         "backward of the function left " + name + " empty; " + input_name + ", " + form_text(input) + ", needs it");
  Context context("backward of the function");
  check_is_like(gradient, input, name.c_str(), input_name.c_str());
}

class ApplyNode : public Node {
 public:
  ApplyNode(torch::autograd::edge_list&& edges, std::unique_ptr<HostFunction> function)
      : Node(std::move(edges)), function_(std::move(function)) {}

  void save(const Values& inputs, const Values& outputs) {
    inputs_ = saved(inputs, false);
    outputs_ = saved(outputs, true);
  }

  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override;
  void release_variables() override {
    const std::lock_guard lock(mutex_);
    inputs_.clear();
    outputs_.clear();
    is_released_ = true;
  }
  std::string name() const override { return "torch_function"; }

  /// A recorded pass is let through; see DifferencedAdjoints.
  bool is_differenced = false;

 private:
  /// What was saved, as the program is shown it.
  void unpack(Values& inputs, Values& outputs) {
    const std::lock_guard lock(mutex_);
    TORCH_CHECK(!is_released_, torch::autograd::ERR_BACKWARD_TWICE);
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      inputs.push_back(shown(inputs_[i].unpack(), task_should_compute_output(i)));
    for (const SavedVariable& output : outputs_) outputs.push_back(shown(output.unpack(this->getptr())));
  }

  /// The gradients of the outputs, zeros for those that nothing depends on.
  Values shown_gradients(const torch::autograd::variable_list& gradients, const Values& outputs) const {
    Values values;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      values.push_back(gradients[i].defined() ? shown(gradients[i]) : at::zeros_like(outputs[i]));
    return values;
  }

  Values recorded_adjoint(Values results, const torch::autograd::variable_list& gradients, const Values& inputs);

  std::unique_ptr<HostFunction> function_;
  std::vector<SavedVariable> inputs_;
  std::vector<SavedVariable> outputs_;
  bool is_released_ = false;
};

/// The adjoint of a function, linear in the gradients of its outputs. Its own adjoint is the derivative of the function, by
/// central differences.
class AdjointNode : public Node {
 public:
  AdjointNode(torch::autograd::edge_list&& edges, std::unique_ptr<HostFunction> function, Values inputs)
      : Node(std::move(edges)), function_(std::move(function)), inputs_(std::move(inputs)) {}

  torch::autograd::variable_list apply(torch::autograd::variable_list&& tangents) override {
    const at::NoGradGuard no_grad;
    double inputs_norm = 0;
    double tangents_norm = 0;
    double precision = 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      if (!tangents[i].defined()) continue;
      inputs_norm = std::hypot(inputs_norm, inputs_[i].norm().item<double>());
      tangents_norm = std::hypot(tangents_norm, tangents[i].norm().item<double>());
      const at::ScalarType real = c10::toRealValueType(inputs_[i].scalar_type());
      const bool is_double = real == at::kDouble;
      precision = std::max<double>(
          precision, is_double ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon());
    }
    if (tangents_norm == 0) return torch::autograd::variable_list(num_outputs());
    const double step = std::cbrt(precision) * std::max(1.0, inputs_norm) / tangents_norm;
    const Values above = moved(tangents, step);
    const Values below = moved(tangents, -step);
    torch::autograd::variable_list products;
    for (std::size_t i = 0; i < above.size(); ++i)
      products.push_back(should_compute_output(i) ? (above[i] - below[i]) / (2 * step) : at::Tensor());
    return products;
  }
  std::string name() const override { return "adjoint of a torch_function"; }

 private:
  Values moved(const torch::autograd::variable_list& tangents, double step) const {
    Values values;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      values.push_back(tangents[i].defined() ? inputs_[i] + tangents[i] * step : inputs_[i]);
    return function_->copy()->forward(values, num_outputs());
  }

  std::unique_ptr<HostFunction> function_;
  Values inputs_;
};

torch::autograd::variable_list ApplyNode::apply(torch::autograd::variable_list&& gradients) {
  const bool is_recorded = at::GradMode::is_enabled();
  if (is_recorded && !is_differenced)
    fail(ft_autograd_error,
         "create_graph reaches a torch_function, whose backward is the program's and cannot be differentiated");
  Values inputs;
  Values outputs;
  unpack(inputs, outputs);
  Values results = function_->backward(shown_gradients(gradients, outputs), inputs, outputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (task_should_compute_output(i)) check_gradient(results[i], inputs[i], i);
    else results[i] = at::Tensor();
  }
  return is_recorded ? recorded_adjoint(std::move(results), gradients, inputs) : results;
}

Values ApplyNode::recorded_adjoint(Values results, const torch::autograd::variable_list& gradients,
                                   const Values& inputs) {
  Values plain;
  for (const at::Tensor& input : inputs) plain.push_back(input.detach());
  const auto node = make_node<AdjointNode>(torch::autograd::collect_next_edges(gradients), function_->copy(),
                                           std::move(plain));
  for (const at::Tensor& result : results) torch::autograd::set_history(result, node);
  return results;
}

bool takes_gradient(const at::Tensor& value) { return value.is_floating_point() || value.is_complex(); }

}  // namespace

Values apply(std::unique_ptr<HostFunction> function, const Values& inputs, std::size_t outputs_size) {
  const bool is_recorded = at::GradMode::is_enabled() && torch::autograd::any_variable_requires_grad(inputs);
  Values given;
  for (const at::Tensor& input : inputs) given.push_back(shown(input, is_recorded && input.requires_grad()));
  Values outputs = function->forward(given, outputs_size);
  given.clear();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].defined())
      fail(ft_invalid_argument, "forward of the function left outputs(" + std::to_string(i + 1) + ") empty");
  }
  if (!is_recorded) return outputs;
  const auto node = make_node<ApplyNode>(torch::autograd::collect_next_edges(inputs), std::move(function));
  for (const at::Tensor& output : outputs) {
    if (takes_gradient(output)) torch::autograd::set_history(output, node);
    else node->add_input_metadata(Node::undefined_input());
  }
  node->save(inputs, outputs);
  return outputs;
}

DifferencedAdjoints::DifferencedAdjoints(const at::Tensor& output) : output_(output) { allow(true); }

DifferencedAdjoints::~DifferencedAdjoints() { allow(false); }

void DifferencedAdjoints::allow(bool are_differenced) {
  std::vector<Node*> waiting{output_.grad_fn().get()};
  std::unordered_set<Node*> seen;
  while (!waiting.empty()) {
    Node* const node = waiting.back();
    waiting.pop_back();
    if (!node || !seen.insert(node).second) continue;
    if (auto* const one = dynamic_cast<ApplyNode*>(node)) one->is_differenced = are_differenced;
    for (const auto& edge : node->next_edges()) waiting.push_back(edge.function.get());
  }
}

}  // namespace ftorch
