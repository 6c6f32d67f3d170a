// SPDX-License-Identifier: MIT
// What a forward pass does beside computing results: what it writes or keeps, followed back to inputs and attributes.

#include "model/effects.h"

#include <algorithm>
#include <map>
#include <utility>

#include "model/alias_graph.h"

namespace ftorch {
namespace {

using Places = AliasGraph::Places;

/// Where the module, its objects and containers, and the constants may be.
std::vector<bool> places_of_state(const AliasGraph& graph) {
  Places roots{graph.inputs[0]};
  for (const auto& [place, constant] : graph.constants) roots.push_back(place);
  return graph.targets(roots);
}

/// What is put into the module.
std::vector<const AliasGraph::Insertion*> insertions(const AliasGraph& graph) {
  const std::vector<bool> is_state = places_of_state(graph);
  std::vector<const AliasGraph::Insertion*> list;
  for (const auto& setting : graph.attributes_set) {
    if (is_state[setting.insertion.into]) list.push_back(&setting.insertion);
  }
  for (const auto& insertion : graph.written_containers) {
    if (is_state[insertion.into]) list.push_back(&insertion);
  }
  return list;
}

Changes changes_of(const AliasGraph& graph) {
  Places containers;
  for (const auto& insertion : graph.written_containers) containers.push_back(insertion.into);
  const std::vector<bool> is_filled = graph.sources(containers);
  const std::vector<bool> is_written = graph.sources(graph.written_tensors);
  const std::vector<bool> is_state = places_of_state(graph);
  std::map<std::pair<const c10::ClassType*, std::size_t>, Changes::Slot> found;
  const auto add = [&](const AliasGraph::Attribute& attribute, Depth depth) {
    const Changes::Slot slot{attribute.slot, depth};
    Depth& deepest = found.try_emplace({attribute.owner, attribute.slot}, slot).first->second.depth;
    deepest = std::max(deepest, depth);
  };
  for (const auto& setting : graph.attributes_set) {
    if (is_state[setting.insertion.into]) add(setting.attribute, Depth::value);
  }
  for (const auto& attribute : graph.attributes_read) {
    if (attribute.type->cast<c10::ClassType>() || attribute.type->cast<c10::InterfaceType>()) continue;
    if (is_written[attribute.place]) add(attribute, Depth::tensors);
    else if (is_filled[attribute.place] && holds(*attribute.type) == Holds::others) add(attribute, Depth::containers);
  }
  Changes changes;
  for (const auto& [key, slot] : found) changes.attributes[key.first].push_back(slot);
  for (const auto& [place, constant] : graph.constants) {
    if (is_written[place] || is_filled[place]) changes.constants.push_back(constant);
  }
  return changes;
}

}  // namespace

ProgramEffects effects_of(const torch::jit::Graph& program, const c10::IValue& module, bool is_training) {
  const AliasGraph graph(program, module, is_training);
  Changes changes = changes_of(graph);
  changes.is_unknown = graph.is_incomplete;
  Effects effects{graph.is_incomplete, graph.is_incomplete || graph.replaces_memory};
  Places touched = graph.written_tensors;
  for (const AliasGraph::Insertion* insertion : insertions(graph)) {
    touched.insert(touched.end(), insertion->values.begin(), insertion->values.end());
    if (insertion->holds_objects) changes.replaces_objects = true;
    effects.has_state = true;
  }
  const std::vector<bool> is_touched = graph.sources(touched);
  effects.touches_inputs |= std::any_of(graph.inputs.begin() + 1, graph.inputs.end(),
                                        [&](auto input) { return is_touched[input]; });
  return {effects, std::move(changes), graph.may_ask_autograd};
}

}  // namespace ftorch
