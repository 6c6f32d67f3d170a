// SPDX-License-Identifier: MIT
// What a forward pass of a TorchScript program does beside computing results.
#pragma once

#include <ATen/core/class_type.h>
#include <ATen/core/ivalue.h>

#include <unordered_map>
#include <vector>

#include "model/model.h"

namespace torch::jit {
struct Graph;
}

namespace ftorch {

/// What may change of an attribute, each with all before it.
enum class Depth { value, containers, tensors };

/// What a pass may change in the module.
struct Changes {
  struct Slot {
    std::size_t slot;
    Depth depth;
  };
  std::unordered_map<const c10::ClassType*, std::vector<Slot>> attributes;
  /// Constants of the program that it writes.
  std::vector<c10::IValue> constants;
  /// Objects in the module are replaced, so that those which it has now need not be those that it was loaded with.
  bool replaces_objects = false;
  /// Something happens that cannot be followed: all may change.
  bool is_unknown = false;
};

struct ProgramEffects {
  Effects effects;
  Changes changes;
  /// A pass without gradients may need autograd nevertheless.
  bool may_ask_autograd = true;
};

/// Reads a program, whose first input is the module, as it runs in one mode.
ProgramEffects effects_of(const torch::jit::Graph& program, const c10::IValue& module, bool is_training);

}  // namespace ftorch
