// SPDX-License-Identifier: MIT
// A program made ready to run: operators found, constant arguments boxed, the last use of each value known.
#pragma once

#include <deque>
#include <memory>

#include "model/exported/block.h"
#include "model/exported/modes.h"
#include "model/exported/schema.h"
#include "model/exported/weights.h"

namespace ftorch::exported {

/// The tensors of a model by the names of their values in the graph.
using BoundValues = std::unordered_map<std::string, c10::IValue>;

class Plan {
 public:
  /// Fails, with the name of the node, for a program that this library does not know.
  Plan(const Program& program, const BoundValues& weights, const Move& move);

  /// Takes the inputs of the user off the stack and puts all outputs of the graph.
  void run(Stack& stack) const { block_.run(stack); }

  /// False if it calls an operator of an extension.
  bool is_of_libtorch() const { return is_of_libtorch_; }
  Modes& modes() { return modes_; }
  const Modes& modes() const { return modes_; }

 private:
  friend class Planner;

  std::deque<c10::IValue> constants_;
  Modes modes_;
  bool is_of_libtorch_ = true;
  Block block_;
};

}  // namespace ftorch::exported
