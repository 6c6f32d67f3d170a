// SPDX-License-Identifier: MIT
// Steps from nodes: which operator, what it is given, where its results go.

#include "model/exported/planner.h"

#include <algorithm>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"
#include "model/exported/mutations.h"
#include "model/exported/operators.h"

namespace ftorch::exported {
namespace {

constexpr std::string_view operator_prefix = "torch.ops.";
constexpr std::string_view counter_name = "num_batches_tracked";

/// True if an argument is or has the value of a name.
bool names(const Argument& argument, const std::string& value) {
  if (argument.kind == Argument::Kind::tensor && argument.text == value) return true;
  return std::any_of(argument.items.begin(), argument.items.end(),
                     [&](const Argument& item) { return names(item, value); });
}

[[noreturn]] void fail_unknown_operator(const std::string& target) {
  const bool is_of_python = target.starts_with("torch.ops.prims.") || !target.starts_with(operator_prefix);
  fail(ft_model_error,
       "this operator is not known to the LibTorch that runs" +
           std::string(is_of_python || target.starts_with("torch.ops.aten.")
                           ? ""
                           : "; if it is one of an extension, load its library first, with torch_load_library"));
}

/// Marks the last use of each value, so that memory is given back as soon as in eager mode.
class LastUses {
 public:
  void mark(std::vector<Operand>& operands) {
    for (auto operand = operands.rbegin(); operand != operands.rend(); ++operand) {
      if (operand->kind == Operand::Kind::list) mark(operand->elements);
      else if (operand->kind == Operand::Kind::value && seen_.insert(operand->slot).second)
        operand->kind = Operand::Kind::last;
    }
  }

  /// Results that nothing uses go nowhere.
  void mark(Target& target) const {
    const auto forget = [this](std::int64_t& slot) {
      if (slot != Target::nowhere && seen_.count(static_cast<std::uint32_t>(slot)) == 0) slot = Target::nowhere;
    };
    forget(target.slot);
    for (std::int64_t& slot : target.slots) forget(slot);
  }

 private:
  std::unordered_set<std::uint32_t> seen_;
};

}  // namespace

Planner::Value Planner::new_value(Scope& scope, const std::string& name) {
  Value value;
  value.slot = scope.block.slots++;
  if (!scope.values.emplace(name, value).second) fail(ft_model_error, "two values have the name '" + name + "'");
  return value;
}

const Planner::Value& Planner::value(const Scope& scope, const std::string& name) const {
  const auto found = scope.values.find(name);
  if (found == scope.values.end()) fail(ft_model_error, "the value '" + name + "' does not exist, or not yet");
  return found->second;
}

const c10::IValue& Planner::constant(c10::IValue value) { return plan_.constants_.emplace_back(std::move(value)); }

Operand Planner::fixed(c10::IValue value) {
  Operand operand;
  operand.constant = &constant(std::move(value));
  return operand;
}

void Planner::add_inputs(Scope& scope, const std::vector<std::optional<Value>>& bound) {
  for (std::size_t i = 0; i < scope.graph.inputs.size(); ++i) {
    const Argument& input = scope.graph.inputs[i];
    if (!input.is_value()) continue;
    if (!bound[i]) new_value(scope, input.text);
    else if (!scope.values.emplace(input.text, *bound[i]).second)
      fail(ft_model_error, "two inputs have the name '" + input.text + "'");
  }
  scope.block.inputs = scope.block.slots;
}

Block Planner::finish(Scope& scope, const std::vector<Argument>& outputs) {
  for (const Node& node : scope.graph.nodes) {
    const std::string title = describe(node);
    const Context context(title.c_str());
    add_step(scope, node);
  }
  for (const Argument& output : outputs) scope.block.outputs.push_back(operand(scope, output));
  LastUses uses;
  uses.mark(scope.block.outputs);
  for (auto step = scope.block.steps.rbegin(); step != scope.block.steps.rend(); ++step) {
    for (Target& target : step->targets) uses.mark(target);
    uses.mark(step->operands);
  }
  return std::move(scope.block);
}

Block Planner::program(const Program& program) {
  std::vector<std::optional<Value>> bound(program.graph.inputs.size());
  const std::vector<std::size_t> carried = carried_buffers(program);
  for (std::size_t i = 0; i < bound.size(); ++i) {
    const Input& input = program.inputs[i];
    const bool is_given = input.kind == Input::Kind::user || input.kind == Input::Kind::fixed ||
                          std::find(carried.begin(), carried.end(), i) != carried.end();
    if (is_given) continue;
    bound[i] = Value{Target::nowhere, &constant(weights_.at(input.value)), input.name};
  }
  find_counters(program);
  std::vector<Argument> outputs;
  for (const Output& output : program.outputs) outputs.push_back(output.argument);
  Scope scope{program.graph, {}, {}};
  add_inputs(scope, bound);
  return finish(scope, outputs);
}

Block Planner::block(const Graph& graph, const std::vector<std::optional<Value>>& bound) {
  Scope scope{graph, {}, {}};
  add_inputs(scope, bound);
  return finish(scope, graph.outputs);
}

void Planner::add_step(Scope& scope, const Node& node) {
  if (is_region(node.target)) add_region(scope, node);
  else if (const Function* const function = find_function(node.target)) add_function(scope, node, *function);
  else if (const auto boxed = find_operator(node.target)) add_operator(scope, node, *boxed);
  else fail_unknown_operator(node.target);
}

void Planner::add_operator(Scope& scope, const Node& node, const BoxedOperator& boxed) {
  const c10::FunctionSchema& schema = boxed.schema();
  std::unordered_map<std::string_view, const Argument*> given;
  for (const NamedArgument& input : node.inputs) {
    const bool is_first = given.emplace(input.name, &input.argument).second;
    if (!is_first || !schema.argumentIndexWithName(input.name))
      fail(ft_model_error, "the operator has no argument '" + input.name + "'");
  }
  plan_.modes_.add_operator(node, schema);
  if (!schema.name().starts_with("aten::")) plan_.is_of_libtorch_ = false;
  Step step;
  step.title = describe(node);
  for (const c10::Argument& formal : schema.arguments()) {
    const auto found = given.find(formal.name());
    if (found == given.end() && !formal.default_value())
      fail(ft_model_error, "its argument '" + formal.name() + "' is missing");
    const std::string subject = "argument '" + formal.name() + "'";
    const Context context(subject.c_str());
    if (found == given.end()) step.operands.push_back(fixed(as_argument(*formal.default_value(), formal)));
    else if (auto number = same_dtype(scope, node, schema, formal, *found->second))
      step.operands.push_back(fixed(std::move(*number)));
    else step.operands.push_back(operand(scope, *found->second, formal));
    const bool is_own = found != given.end() && !plan_.constants_.empty() &&
                        step.operands.back().constant == &plan_.constants_.back();
    if (is_own && plan_.modes_.add_argument(node, schema, formal, plan_.constants_.back()))
      add_batch_count(scope, node, plan_.constants_.back());
  }
  if (schema.is_vararg() || schema.is_varret()) fail(ft_model_error, "it has no fixed number of arguments");
  if (!node.outputs.empty() && node.outputs.size() != schema.returns().size())
    fail(ft_model_error, "it returns " + std::to_string(schema.returns().size()) + " values, not " +
                             std::to_string(node.outputs.size()));
  for (std::size_t i = 0; i < schema.returns().size(); ++i)
    step.targets.push_back(node.outputs.empty() ? Target() : target(scope, node.outputs[i]));
  step.operation = operation(scope, node, boxed);
  scope.block.steps.push_back(std::move(step));
}

std::unique_ptr<Operation> Planner::operation(const Scope& scope, const Node& node, const BoxedOperator& boxed) const {
  const std::string& name = boxed.schema().name();
  const bool is_addition = name == "aten::add_" || name == "aten::add";
  if (is_addition && !node.inputs.empty() && is_counter(scope, node.inputs[0].argument))
    return std::make_unique<BatchCount>(boxed, plan_.modes_.training_flag());
  if (name == "aten::copy") return std::make_unique<Copy>();
  return std::make_unique<OperatorCall>(boxed);
}

bool Planner::is_counter(const Scope& scope, const Argument& argument) const {
  if (argument.kind != Argument::Kind::tensor) return false;
  const auto found = scope.values.find(argument.text);
  return found != scope.values.end() && found->second.constant && found->second.weight.ends_with(counter_name);
}

void Planner::find_counters(const Program& program) {
  for (const Input& input : program.inputs) {
    if (input.kind != Input::Kind::buffer || !input.name.ends_with(counter_name)) continue;
    const auto is_it = [&](const NamedArgument& one) { return names(one.argument, input.value); };
    const bool is_counted = std::any_of(program.graph.nodes.begin(), program.graph.nodes.end(), [&](const Node& node) {
      return std::any_of(node.inputs.begin(), node.inputs.end(), is_it);
    });
    counters_.emplace(input.name, Counter{weights_.at(input.value), is_counted});
  }
}

/// In evaluation a program does not count the batches of a normalisation, so that its graph has no node that does.
void Planner::add_batch_count(Scope& scope, const Node& node, const c10::IValue& mode) {
  if (!node.target.starts_with("torch.ops.aten.batch_norm.")) return;
  const auto statistics = std::find_if(node.inputs.begin(), node.inputs.end(),
                                       [](const NamedArgument& input) { return input.name == "running_mean"; });
  if (statistics == node.inputs.end() || statistics->argument.kind != Argument::Kind::tensor) return;
  const std::string& mean = value(scope, statistics->argument.text).weight;
  constexpr std::string_view mean_name = "running_mean";
  if (!mean.ends_with(mean_name)) return;
  const std::string counter = mean.substr(0, mean.size() - mean_name.size()) + std::string(counter_name);
  const auto found = counters_.find(counter);
  if (found == counters_.end() || found->second.is_counted) return;
  found->second.is_counted = true;
  const auto add = BoxedOperator::find("aten::add_", "Scalar");
  Step step;
  step.title = describe(node);
  for (const c10::IValue& argument : {found->second.value, c10::IValue(1), c10::IValue(1)})
    step.operands.push_back(fixed(argument));
  step.targets.emplace_back();
  step.operation = std::make_unique<BatchCount>(*add, mode);
  scope.block.steps.push_back(std::move(step));
}

void Planner::add_function(Scope& scope, const Node& node, const Function& function) {
  if (node.inputs.size() < function.least || node.inputs.size() > function.most || node.outputs.size() != 1)
    fail(ft_model_error, "it has another number of arguments or results than is known");
  Step step;
  step.title = describe(node);
  for (const NamedArgument& input : node.inputs) step.operands.push_back(operand(scope, input.argument));
  step.operation = std::make_unique<NumberCall>(function, node.inputs.size(),
                                                node.outputs[0].kind == Argument::Kind::condition);
  step.targets.push_back(target(scope, node.outputs[0]));
  scope.block.steps.push_back(std::move(step));
}

void Planner::add_region(Scope& scope, const Node& node) {
  const RegionCall call = read_region(node);
  Step step;
  step.title = describe(node);
  std::vector<std::optional<Value>> bound(call.given.size());
  for (std::size_t i = 0; i < call.given.size(); ++i) {
    const Argument& argument = call.given[i];
    const bool is_same_in_all = i >= call.carried + call.taken_apart;
    Operand given = operand(scope, argument);
    if (is_same_in_all && given.constant)
      bound[i] = Value{Target::nowhere, given.constant,
                       argument.kind == Argument::Kind::tensor ? value(scope, argument.text).weight : ""};
    else {
      for (const auto& graph : call.graphs) {
        if (!graph->inputs[i].is_value()) fail(ft_model_error, "its graph does not take what it is given");
      }
      step.operands.push_back(std::move(given));
    }
  }
  if (call.condition) step.operands.push_back(operand(scope, *call.condition));
  std::vector<Block> blocks;
  for (const auto& graph : call.graphs) blocks.push_back(block(*graph, bound));
  const std::size_t results = call.graphs.back()->outputs.size();
  if (node.outputs.size() != results)
    fail(ft_model_error,
         "its graph returns " + std::to_string(results) + " values, not " + std::to_string(node.outputs.size()));
  for (const Argument& output : node.outputs) step.targets.push_back(target(scope, output));
  step.operation = make_region(node.target, call, std::move(blocks), move_);
  scope.block.steps.push_back(std::move(step));
}

Target Planner::target(Scope& scope, const Argument& output) {
  Target target;
  if (output.is_value()) target.slot = new_value(scope, output.text).slot;
  target.is_list = output.kind == Argument::Kind::list;
  for (const Argument& item : output.items) target.slots.push_back(this->target(scope, item).slot);
  return target;
}

Plan::Plan(const Program& program, const BoundValues& weights, const Move& move) : modes_(program.is_decomposed) {
  block_ = Planner(*this, weights, move).program(program);
}

}  // namespace ftorch::exported
