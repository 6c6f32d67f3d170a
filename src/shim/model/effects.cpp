// SPDX-License-Identifier: MIT
// What a TorchScript program does to tensors beside computing results, from the schemas of its operators.

#include "model/effects.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include <algorithm>
#include <unordered_set>

namespace ftorch {
namespace {

using torch::jit::Block;
using torch::jit::Node;
using torch::jit::Value;

using Values = std::unordered_set<const Value*>;

bool may_hold_tensors(const c10::Type& type) {
  if (const auto list = type.cast<c10::ListType>()) return may_hold_tensors(*list->getElementType());
  switch (type.kind()) {
    case c10::TypeKind::IntType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::BoolType:
    case c10::TypeKind::StringType:
    case c10::TypeKind::NoneType:
    case c10::TypeKind::DeviceObjType: return false;
    default: return true;
  }
}

/// Nodes without a schema that pass on what they are given and change nothing.
bool is_passing(const Node& node) {
  switch (node.kind()) {
    case c10::prim::GetAttr:
    case c10::prim::ListConstruct:
    case c10::prim::ListUnpack:
    case c10::prim::TupleConstruct:
    case c10::prim::TupleUnpack:
    case c10::prim::TupleSlice:
    case c10::prim::TupleIndex:
    case c10::prim::DictConstruct:
    case c10::prim::CreateObject:
    case c10::prim::Uninitialized:
    case c10::prim::isinstance:
    case c10::prim::unchecked_cast: return true;
    default: return false;
  }
}

/// A composite operator, such as dropout, may return what it is given without a word in its schema. These do not.
bool is_fresh(const c10::FunctionSchema& schema) {
  static const std::unordered_set<std::string> computing{
      "aten::linear",     "aten::matmul", "aten::conv1d", "aten::conv2d",    "aten::conv3d",   "aten::batch_norm",
      "aten::layer_norm", "aten::lstm",   "aten::gru",    "aten::lstm_cell", "aten::gru_cell", "aten::rnn_tanh_cell"};
  if (computing.count(schema.name()) > 0) return true;
  const auto found = c10::Dispatcher::singleton().findSchema(schema.operator_name());
  return found && !found->hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd);
}

/// Follows values that may share memory with some others, or hold them, through a program until no more are found.
class Flow {
 public:
  Flow(const Block& program, Values from) : values_(std::move(from)) {
    for (std::size_t size = 0; size != values_.size();) {
      size = values_.size();
      follow(program);
    }
  }

  /// An element of a tensor among them is written.
  bool writes() const { return writes_; }
  /// One of them is put into an object, or an object among them changes.
  bool stores() const { return stores_; }
  /// A list or dict that is one of them, or holds one, changes.
  bool changes() const { return changes_; }
  /// One of them is put into a container of `others`.
  bool meets(const Flow& others) const {
    return std::any_of(filled_.begin(), filled_.end(), [&](const Value* one) { return others.holds(one); });
  }
  bool holds(const Value* value) const { return values_.count(value) > 0; }
  /// One of them is a mean or variance that a normalisation updates in training.
  bool is_statistic() const { return is_statistic_; }

 private:
  void add(const Value* value) {
    if (may_hold_tensors(*value->type())) values_.insert(value);
  }

  void follow(const Block& block) {
    for (const Node* node : block.nodes()) follow(*node);
  }

  void follow(const Node& node) {
    if (node.kind() == c10::prim::If) return follow_branches(node);
    if (node.kind() == c10::prim::Loop) return follow_loop(node);
    const auto inputs = node.inputs();
    if (std::none_of(inputs.begin(), inputs.end(), [&](const Value* input) { return holds(input); })) return;
    if (node.kind() == c10::prim::SetAttr) {
      stores_ = true;
    } else if (const c10::FunctionSchema* const schema = node.maybeSchema(); schema && node.blocks().empty()) {
      follow_operator(node, *schema);
    } else {
      if (!is_passing(node)) writes_ = stores_ = true;
      for (const Value* output : node.outputs()) add(output);
    }
  }

  void follow_operator(const Node& node, const c10::FunctionSchema& schema) {
    const auto& arguments = schema.arguments();
    if (schema.name() == "aten::batch_norm" || schema.name() == "aten::instance_norm") follow_normalisation(node);
    for (std::size_t i = 0; i < arguments.size() && i < node.inputs().size(); ++i) {
      if (!arguments[i].alias_info() || !arguments[i].alias_info()->isWrite()) continue;
      const Value* const written = node.inputs()[i];
      const bool is_tensor = written->type()->isSubtypeOf(*c10::TensorType::get());
      if (holds(written)) (is_tensor ? writes_ : changes_) = true;
      else if (!is_tensor) filled_.insert(written), add(written);
    }
    const bool is_passing = !is_fresh(schema);
    for (std::size_t i = 0; i < node.outputs().size(); ++i) {
      const bool is_alias = i < schema.returns().size() && schema.returns()[i].alias_info();
      if (is_alias || is_passing) add(node.outputs()[i]);
    }
  }

  /// Its schema does not say that it writes mean and variance if the argument after them is true.
  void follow_normalisation(const Node& node) {
    if (!holds(node.inputs()[3]) && !holds(node.inputs()[4])) return;
    // A trace has no modes but a constant.
    const auto is_training = torch::jit::toIValue(node.inputs()[5]);
    if (!is_training) is_statistic_ = true;
    else if (is_training->toBool()) writes_ = true;
  }

  void follow_branches(const Node& node) {
    for (const Block* block : node.blocks()) {
      follow(*block);
      for (std::size_t i = 0; i < node.outputs().size(); ++i) {
        if (holds(block->outputs()[i])) add(node.outputs()[i]);
      }
    }
  }

  /// Inputs are a count, a condition and what is carried; those of the body are a count and what is carried.
  void follow_loop(const Node& node) {
    const Block& body = *node.blocks()[0];
    for (std::size_t i = 0; i < node.outputs().size(); ++i) {
      if (!holds(node.inputs()[i + 2]) && !holds(body.outputs()[i + 1])) continue;
      add(body.inputs()[i + 1]);
      add(node.outputs()[i]);
    }
    follow(body);
  }

  Values values_;
  Values filled_;
  bool writes_ = false;
  bool stores_ = false;
  bool changes_ = false;
  bool is_statistic_ = false;
};

/// Adds the attributes with tensors that nodes of `block` read and the program changes, or that they set.
void find_changed(const Block& block, const Block& program, std::vector<Changed>& changed) {
  for (const Node* node : block.nodes()) {
    for (const Block* inner : node->blocks()) find_changed(*inner, program, changed);
    const bool sets = node->kind() == c10::prim::SetAttr;
    if (!sets && node->kind() != c10::prim::GetAttr) continue;
    const Value* const value = sets ? node->inputs()[1] : node->output();
    const auto owner = node->inputs()[0]->type()->cast<c10::ClassType>();
    if (!owner || !may_hold_tensors(*value->type()) || value->type()->cast<c10::ClassType>()) continue;
    const std::string& name = node->s(c10::attr::name);
    if (owner->is_parameter(owner->getAttributeSlot(name))) continue;
    const Flow flow = sets ? Flow(program, {}) : Flow(program, {value});
    if (sets || flow.writes()) changed.push_back({owner.get(), name, false});
    else if (flow.is_statistic()) changed.push_back({owner.get(), name, true});
  }
}

}  // namespace

std::vector<Changed> changed_by(const torch::jit::Graph& graph) {
  std::vector<Changed> changed;
  find_changed(*graph.block(), *graph.block(), changed);
  const auto is_statistic = [](const Changed& one) { return one.in_training_only; };
  if (std::any_of(changed.begin(), changed.end(), is_statistic)) {
    for (Changed& one : changed) one.in_training_only |= one.name == "num_batches_tracked";
  }
  return changed;
}

Effects effects_of(const torch::jit::Graph& graph) {
  const auto inputs = graph.inputs();
  const Flow state(*graph.block(), {inputs[0]});
  const Flow given(*graph.block(), {inputs.begin() + 1, inputs.end()});
  return {given.writes() || given.stores() || given.meets(state), state.stores() || state.changes() || given.stores()};
}

}  // namespace ftorch
