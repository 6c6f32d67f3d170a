// SPDX-License-Identifier: MIT
// The copy that a node has of a file.
#pragma once

#include <string>

namespace ftorch::mpi {

/// In a folder of its own, removed at the end. Empty on all ranks but the first
/// of the node.
struct NodeCopy {
  NodeCopy() = default;
  ~NodeCopy();
  NodeCopy(const NodeCopy&) = delete;
  NodeCopy& operator=(const NodeCopy&) = delete;
  void create();

  std::string folder, name;
  /// On all ranks of the node: what was asked for, and where the copy is.
  std::string original, shown;
};

}  // namespace ftorch::mpi
