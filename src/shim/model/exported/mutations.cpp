// SPDX-License-Identifier: MIT
// Values are followed from the inputs through views and regions, by the schemas of operators.

#include "model/exported/mutations.h"

#include <algorithm>
#include <unordered_map>

#include "model/exported/operators.h"
#include "model/exported/regions.h"
#include "tensor/operator_aliases.h"

namespace ftorch::exported {
namespace {

/// Inputs of the program.
using Roots = std::unordered_set<std::string>;

class Followed {
 public:
  Followed(Roots& written, bool is_training) : written_(written), is_training_(is_training) {}

  /// Follows the values of a graph; the roots of its outputs.
  Roots graph(const Graph& graph, std::unordered_map<std::string, Roots> values) {
    std::swap(values_, values);
    for (const Node& node : graph.nodes) {
      if (is_region(node.target)) region(node);
      else if (const auto boxed = find_operator(node.target)) call(node, boxed->schema());
    }
    Roots results;
    for (const Argument& output : graph.outputs) add(results, roots(output));
    std::swap(values_, values);
    return results;
  }

 private:
  static void add(Roots& to, const Roots& from) { to.insert(from.begin(), from.end()); }

  Roots roots(const Argument& argument) const {
    Roots found;
    if (argument.is_value()) {
      const auto value = values_.find(argument.text);
      if (value != values_.end()) found = value->second;
    }
    for (const Argument& item : argument.items) add(found, roots(item));
    return found;
  }

  void set(const Argument& output, const Roots& roots) {
    if (output.is_value() && !roots.empty()) values_[output.text] = roots;
    for (const Argument& item : output.items) set(item, roots);
  }

  /// In evaluation statistics stay.
  bool is_frozen(const c10::FunctionSchema& schema, std::size_t argument) const {
    return !schema.arguments()[argument].alias_info() && !is_training_;
  }

  void call(const Node& node, const c10::FunctionSchema& schema) {
    const bool is_computing = is_fresh(schema);
    Roots views;
    for (const NamedArgument& input : node.inputs) {
      const auto index = schema.argumentIndexWithName(input.name);
      if (!index) continue;
      const Roots found = roots(input.argument);
      const auto argument = static_cast<std::size_t>(*index);
      if (may_write(schema, argument) && !is_frozen(schema, argument)) add(written_, found);
      if (!is_computing || schema.arguments()[argument].alias_info()) add(views, found);
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const bool is_view = i < schema.returns().size() && schema.returns()[i].alias_info();
      if (is_view || !is_computing) set(node.outputs[i], views);
    }
  }

  void region(const Node& node) {
    const RegionCall call = read_region(node);
    Roots results;
    for (const auto& body : call.graphs) {
      std::unordered_map<std::string, Roots> values;
      for (std::size_t i = 0; i < call.given.size(); ++i) {
        if (body->inputs[i].is_value()) values.emplace(body->inputs[i].text, roots(call.given[i]));
      }
      add(results, graph(*body, std::move(values)));
    }
    for (const Argument& output : node.outputs) set(output, results);
  }

  std::unordered_map<std::string, Roots> values_;
  Roots& written_;
  bool is_training_;
};

}  // namespace

std::unordered_set<std::string> written_inputs(const Program& program, bool is_training) {
  Roots written;
  std::unordered_map<std::string, Roots> values;
  for (const Argument& input : program.graph.inputs) {
    if (input.is_value()) values.emplace(input.text, Roots{input.text});
  }
  Followed(written, is_training).graph(program.graph, std::move(values));
  for (const Output& output : program.outputs) {
    if (output.kind == Output::Kind::input) written.insert(output.name);
    for (const Input& input : program.inputs) {
      const bool is_it = (output.kind == Output::Kind::buffer && input.kind == Input::Kind::buffer) ||
                         (output.kind == Output::Kind::parameter && input.kind == Input::Kind::parameter);
      if (is_it && input.name == output.name) written.insert(input.value);
    }
  }
  return written;
}

bool is_statistic(const Program& program, const Output& output) {
  const auto makes = [&](const Argument& one) { return one.text == output.argument.text; };
  const auto& nodes = program.graph.nodes;
  return std::any_of(nodes.begin(), nodes.end(), [&](const Node& node) {
    return node.target.find("batch_norm") != node.target.npos &&
           std::any_of(node.outputs.begin(), node.outputs.end(), makes);
  });
}

std::vector<std::size_t> carried_buffers(const Program& program) {
  std::vector<std::size_t> carried;
  for (std::size_t i = 0; i < program.inputs.size(); ++i) {
    const Input& input = program.inputs[i];
    // They are given before the inputs of the user.
    if (input.kind == Input::Kind::user) break;
    const auto form = program.graph.tensors.find(input.value);
    const bool is_real = form != program.graph.tensors.end() &&
                         (at::isFloatingType(form->second.dtype) || at::isComplexType(form->second.dtype));
    if (input.kind != Input::Kind::buffer || !is_real) continue;
    const bool is_it = std::any_of(program.outputs.begin(), program.outputs.end(), [&](const Output& output) {
      return output.kind == Output::Kind::buffer && output.name == input.name && !is_statistic(program, output);
    });
    if (is_it) carried.push_back(i);
  }
  return carried;
}

}  // namespace ftorch::exported
