// SPDX-License-Identifier: MIT
// What a forward pass may change: found in the module when it is loaded, saved before a pass.

#include "model/state.h"

#include <memory>
#include <unordered_set>
#include <utility>

#include "model/snapshot.h"

namespace ftorch {

State::State(Changes changes, c10::IValue module) : changes_(std::move(changes)), module_(std::move(module)) {
  places_ = find_places();
}

std::vector<State::Place> State::find_places() const {
  std::vector<Place> places;
  if (changes_.attributes.empty()) return places;
  std::unordered_set<const void*> seen;
  module_.visit([&](const c10::IValue& part) {
    if (!part.isObject()) return false;
    const auto object = part.toObject();
    if (!seen.insert(object.get()).second) return true;
    const auto found = changes_.attributes.find(object->type().get());
    if (found == changes_.attributes.end()) return false;
    for (const Changes::Slot& slot : found->second) places.push_back({object, slot});
    return false;
  });
  return places;
}

std::function<void()> State::saved() const {
  if (is_empty()) return {};
  const auto snapshot = std::make_shared<Snapshot>();
  if (changes_.is_unknown) snapshot->add_all(module_);
  for (const auto& [object, slot] : changes_.replaces_objects ? find_places() : places_) {
    const c10::IValue& value = object->getSlot(slot.slot);
    snapshot->add_slot(object, slot.slot);
    if (slot.depth == Depth::tensors) snapshot->add_tensors(value);
    else if (slot.depth == Depth::containers) snapshot->add_containers(value);
  }
  for (const c10::IValue& constant : changes_.constants) snapshot->add_tensors(constant);
  return [snapshot] { snapshot->put_back(); };
}

}  // namespace ftorch
