// SPDX-License-Identifier: MIT
// How a TorchScript program hands its values on, from the schemas of its operators. Of what cannot be known the worst is assumed.

#include "model/alias_graph.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>

#include <algorithm>

#include "tensor/operator_aliases.h"

namespace ftorch {
namespace {

bool may_hold_objects(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType:
    case c10::TypeKind::NoneType: return false;
    case c10::TypeKind::ListType:
    case c10::TypeKind::DictType:
    case c10::TypeKind::OptionalType:
    case c10::TypeKind::TupleType: {
      const auto parts = type.containedTypes();
      return std::any_of(parts.begin(), parts.end(), [](const c10::TypePtr& part) { return may_hold_objects(*part); });
    }
    default: return holds(type) == Holds::others;
  }
}

/// Nodes that pass on what they are given and change nothing, whatever their schema.
bool is_passing(const torch::jit::Node& node) {
  switch (node.kind()) {
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
    case c10::prim::Print:
    case c10::prim::tolist:
    case c10::prim::unchecked_cast: return true;
    default: return false;
  }
}

bool is_of_dispatcher(const c10::FunctionSchema& schema) {
  return c10::Dispatcher::singleton().findSchema(schema.operator_name()).has_value();
}

/// Gradients are written without a word in the schema.
bool is_backward(const c10::FunctionSchema& schema) {
  return schema.name() == "aten::backward" || schema.name() == "aten::_backward";
}

bool asks_autograd(const torch::jit::Node& node, const c10::FunctionSchema& schema) {
  const bool is_of_libtorch = node.kind().is_aten() || node.kind().is_prim();
  return !is_of_libtorch || schema.name() == "aten::grad" || schema.name() == "aten::set_grad_enabled";
}

bool is_mode(const torch::jit::Node& node) {
  const auto owner = node.inputs()[0]->type()->cast<c10::ClassType>();
  return owner && owner->is_module() && node.s(c10::attr::name) == "training";
}

}  // namespace

Holds holds(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::IntType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::ComplexType:
    case c10::TypeKind::NumberType:
    case c10::TypeKind::BoolType:
    case c10::TypeKind::StringType:
    case c10::TypeKind::NoneType:
    case c10::TypeKind::DeviceObjType: return Holds::nothing;
    case c10::TypeKind::TensorType: return Holds::tensor;
    case c10::TypeKind::OptionalType: return holds(*type.containedTypes()[0]);
    case c10::TypeKind::TupleType: {
      const auto parts = type.containedTypes();
      const bool is_plain = std::all_of(parts.begin(), parts.end(),
                                        [](const auto& part) { return holds(*part) == Holds::nothing; });
      return is_plain ? Holds::nothing : Holds::others;
    }
    default: return Holds::others;
  }
}

AliasGraph::AliasGraph(const torch::jit::Graph& program, const c10::IValue& module, bool is_training)
    : is_training_(is_training) {
  std::unordered_set<const c10::ClassType*> found;
  module.visit([&](const c10::IValue& part) {
    if (part.isObject() && found.insert(part.toObjectRef().type().get()).second)
      classes_.push_back(part.toObjectRef().type());
    return false;
  });
  for (const Value* input : program.inputs()) inputs.push_back(place_of(input));
  read(*program.block());
}

std::vector<bool> AliasGraph::reached(const Places& places, const Edges& edges) const {
  std::vector<bool> marks(edges.size());
  Places next = places;
  while (!next.empty()) {
    const Place place = next.back();
    next.pop_back();
    if (marks[place]) continue;
    marks[place] = true;
    next.insert(next.end(), edges[place].begin(), edges[place].end());
  }
  return marks;
}

AliasGraph::Place AliasGraph::new_place() {
  sources_.emplace_back();
  targets_.emplace_back();
  return sources_.size() - 1;
}

AliasGraph::Place AliasGraph::place_of(const Value* value) {
  const auto found = values_.find(value);
  return found != values_.end() ? found->second : values_[value] = new_place();
}

AliasGraph::Place AliasGraph::place_of(const std::string& name) {
  const auto found = names_.find(name);
  return found != names_.end() ? found->second : names_[name] = new_place();
}

void AliasGraph::connect(Place from, Place to, bool is_mutual) {
  targets_[from].push_back(to);
  sources_[to].push_back(from);
  if (is_mutual) connect(to, from, false);
}

/// What is put into one of two values that hold others may be found in the other.
void AliasGraph::connect(const Value* from, const Value* to) {
  const Holds source = holds(*from->type());
  const Holds target = holds(*to->type());
  if (source == Holds::nothing || target == Holds::nothing) return;
  connect(place_of(from), place_of(to), source == Holds::others && target == Holds::others);
}

void AliasGraph::connect_all(at::ArrayRef<const Value*> from, at::ArrayRef<const Value*> to) {
  for (const Value* source : from) {
    for (const Value* target : to) connect(source, target);
  }
}

AliasGraph::Places AliasGraph::places_that_hold(at::ArrayRef<const Value*> values, const Value* except) {
  Places places;
  for (const Value* value : values) {
    if (value != except && holds(*value->type()) != Holds::nothing) places.push_back(place_of(value));
  }
  return places;
}

/// The value of a condition that the mode decides.
std::optional<bool> AliasGraph::known(const Value* value) {
  const auto found = known_.find(value);
  if (found != known_.end()) return found->second;
  const auto answer = find_known(value);
  return known_[value] = answer;
}

std::optional<bool> AliasGraph::find_known(const Value* value) {
  if (value->type()->kind() != c10::TypeKind::BoolType) return {};
  const Node& node = *value->node();
  if (const auto constant = torch::jit::toIValue(value)) return constant->toBool();
  if (node.kind() == c10::prim::GetAttr && is_mode(node)) return is_training_;
  if (node.kind() == c10::aten::__not__) {
    const auto other = known(node.inputs()[0]);
    return other ? std::optional<bool>(!*other) : std::nullopt;
  }
  if (node.kind() != c10::prim::If) return {};
  const auto is_first = known(node.inputs()[0]);
  const auto result = [&](std::size_t block) { return known(node.blocks()[block]->outputs()[value->offset()]); };
  if (is_first) return result(*is_first ? 0 : 1);
  const auto first = result(0);
  return first == result(1) ? first : std::nullopt;
}

void AliasGraph::read(const Block& block) {
  for (const Node* node : block.nodes()) read(*node);
}

void AliasGraph::read(const Node& node) {
  switch (node.kind()) {
    case c10::prim::If: return read_branches(node);
    case c10::prim::Loop: return read_loop(node);
    case c10::prim::Constant: return read_constant(node);
    case c10::prim::GetAttr: return read_get(node);
    case c10::prim::SetAttr: return read_set(node);
    case c10::prim::CallMethod: return read_method(node, node.s(c10::attr::name));
    case c10::prim::Enter: return read_method(node, "__enter__");
    case c10::prim::Exit: return read_method(node, "__exit__");
    case c10::prim::CallFunction:
      return read_function(*node.inputs()[0]->type()->expectRef<c10::FunctionType>().function(), node, 1);
    case c10::prim::fork:
    case c10::prim::awaitable: return read_graph(*node.g(c10::attr::Subgraph), node.inputs(), node.outputs());
    default: break;
  }
  if (is_passing(node)) return connect_all(node.inputs(), node.outputs());
  const c10::FunctionSchema* const schema = node.maybeSchema();
  // Such as aten::format, which makes a text: those of `prim` alone run other programs.
  const bool is_known = schema && node.blocks().empty() && !is_backward(*schema);
  if (is_known && (!schema->is_vararg() || node.kind().is_aten())) return read_operator(node, *schema);
  if (!places_that_hold(node.inputs(), nullptr).empty()) is_incomplete = true;
  connect_all(node.inputs(), node.outputs());
}

void AliasGraph::read_constant(const Node& node) {
  if (holds(*node.output()->type()) == Holds::nothing) return;
  if (const auto value = torch::jit::toIValue(node.output())) constants.emplace_back(place_of(node.output()), *value);
}

void AliasGraph::read_get(const Node& node) {
  const Value* const object = node.inputs()[0];
  const Value* const value = node.output();
  const Holds kind = holds(*value->type());
  if (kind == Holds::nothing) return;
  const std::string& name = node.s(c10::attr::name);
  const auto& owner = object->type()->expectRef<c10::ClassType>();
  connect(place_of(name), place_of(value), kind == Holds::others);
  if (kind == Holds::others) connect(object, value);
  attributes_read.push_back({&owner, owner.getAttributeSlot(name), value->type(), place_of(value)});
}

void AliasGraph::read_set(const Node& node) {
  const Value* const object = node.inputs()[0];
  const Value* const value = node.inputs()[1];
  if (is_mode(node)) is_incomplete = true;
  const std::string& name = node.s(c10::attr::name);
  const auto& owner = object->type()->expectRef<c10::ClassType>();
  const Insertion insertion{place_of(object), places_that_hold(value, nullptr), may_hold_objects(*value->type())};
  const Holds kind = holds(*value->type());
  if (kind != Holds::nothing) {
    connect(place_of(value), place_of(name), kind == Holds::others);
    connect(value, object);
  }
  attributes_set.push_back({{&owner, owner.getAttributeSlot(name), value->type(), place_of(name)}, insertion});
}

void AliasGraph::read_branches(const Node& node) {
  const auto is_first = known(node.inputs()[0]);
  for (std::size_t i = 0; i < node.blocks().size(); ++i) {
    if (is_first && *is_first != (i == 0)) continue;
    const Block& block = *node.blocks()[i];
    read(block);
    for (std::size_t j = 0; j < node.outputs().size(); ++j) connect(block.outputs()[j], node.outputs()[j]);
  }
}

/// Inputs are a count, a condition and what is carried; those of the body are a count and what is carried.
void AliasGraph::read_loop(const Node& node) {
  const Block& body = *node.blocks()[0];
  for (std::size_t i = 0; i < node.outputs().size(); ++i) {
    connect(node.inputs()[i + 2], body.inputs()[i + 1]);
    connect(body.outputs()[i + 1], body.inputs()[i + 1]);
    connect(body.inputs()[i + 1], node.outputs()[i]);
  }
  read(body);
}

/// Of a method of an interface, those of all modules that have it.
void AliasGraph::read_method(const Node& node, const std::string& name) {
  const c10::TypePtr& type = node.inputs()[0]->type();
  bool is_found = false;
  const auto read_of = [&](const c10::ClassType& owner) {
    torch::jit::Function* const method = owner.findMethod(name);
    if (!method) return;
    is_found = true;
    read_function(*method, node, 0);
  };
  if (const auto owner = type->cast<c10::ClassType>()) {
    read_of(*owner);
  } else if (const auto interface = type->cast<c10::InterfaceType>(); interface && interface->is_module()) {
    for (const auto& owner : classes_) {
      if (owner->isSubtypeOf(*interface)) read_of(*owner);
    }
  }
  if (!is_found) is_incomplete = true;
}

void AliasGraph::read_function(torch::jit::Function& function, const Node& node, std::size_t first) {
  torch::jit::GraphFunction* const program = torch::jit::tryToGraphFunction(function);
  if (!program) {
    is_incomplete = true;
    return;
  }
  kept_.push_back(program->optimized_graph());
  read_graph(*kept_.back(), node.inputs().slice(first), node.outputs());
}

void AliasGraph::read_graph(const torch::jit::Graph& graph, at::ArrayRef<const Value*> given,
                            at::ArrayRef<const Value*> results) {
  for (std::size_t i = 0; i < given.size() && i < graph.inputs().size(); ++i) connect(given[i], graph.inputs()[i]);
  connect_all(graph.outputs(), results);
  if (read_.insert(&graph).second) read(*graph.block());
}

void AliasGraph::read_operator(const Node& node, const c10::FunctionSchema& schema) {
  const auto& arguments = schema.arguments();
  may_ask_autograd = may_ask_autograd || asks_autograd(node, schema);
  const bool is_computing = is_fresh(schema);
  for (std::size_t i = 0; i < arguments.size() && i < node.inputs().size(); ++i) {
    const Value* const input = node.inputs()[i];
    if (writes(node, schema, i)) read_written(node, input, is_of_dispatcher(schema));
    if (is_computing && !arguments[i].alias_info()) continue;
    for (std::size_t j = 0; j < node.outputs().size(); ++j) {
      const bool is_alias = j < schema.returns().size() && schema.returns()[j].alias_info();
      if (is_alias || !is_computing) connect(input, node.outputs()[j]);
    }
  }
  static const std::unordered_set<std::string> replacing{"aten::set_", "aten::set_data"};
  if (replacing.count(schema.name()) > 0) replaces_memory = true;
}

/// Operators of the dispatcher write the tensors of a list, others the list.
void AliasGraph::read_written(const Node& node, const Value* written, bool holds_written) {
  const Holds kind = holds(*written->type());
  if (kind == Holds::nothing) return;
  if (kind == Holds::tensor || holds_written) {
    written_tensors.push_back(place_of(written));
    return;
  }
  for (const Value* input : node.inputs()) {
    if (input != written) connect(input, written);
  }
  written_containers.push_back(
      {place_of(written), places_that_hold(node.inputs(), written), may_hold_objects(*written->type())});
}

/// Statistics are written unless an argument says that they are not.
bool AliasGraph::writes(const Node& node, const c10::FunctionSchema& schema, std::size_t argument) {
  if (!may_write(schema, argument)) return false;
  const auto& arguments = schema.arguments();
  if (arguments[argument].alias_info()) return true;
  for (std::size_t i = 0; i < arguments.size() && i < node.inputs().size(); ++i) {
    if (is_mode_of_statistics(arguments[i]) && known(node.inputs()[i]) == false) return false;
  }
  return true;
}

}  // namespace ftorch
