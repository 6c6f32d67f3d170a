// SPDX-License-Identifier: MIT
// Operators whose arguments are graphs: regions of another mode, branches, loops.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/exported/block.h"
#include "model/exported/schema.h"
#include "model/exported/weights.h"

namespace ftorch::exported {

/// A node with graphs among its arguments, taken apart.
struct RegionCall {
  /// In the order of the node.
  std::vector<std::shared_ptr<const Graph>> graphs;
  /// What each graph is given, which may be less than the node is.
  std::vector<Argument> given;
  /// Of those, how many are carried from pass to pass of a loop, and how many are taken apart for its passes.
  std::size_t carried = 0;
  std::size_t taken_apart = 0;
  /// The condition of branches.
  std::optional<Argument> condition;
  /// Constants of the node, such as the dtype of an autocast.
  std::vector<Argument> constants;
};

/// True for targets that are read here.
bool is_region(const std::string& target);

/// Fails for an operator that is not known.
RegionCall read_region(const Node& node);

/// The operation, of blocks for `call.graphs`. On the stack stand what is given, but for what the blocks have bound, and the condition.
std::unique_ptr<Operation> make_region(const std::string& target, const RegionCall& call, std::vector<Block> blocks,
                                       const Move& move);

}  // namespace ftorch::exported
