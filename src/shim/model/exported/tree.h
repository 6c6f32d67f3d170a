// SPDX-License-Identifier: MIT
// Trees of Python's containers, of which inputs and outputs are the leaves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ftorch::exported {

/// One step from a container to an element.
struct Key {
  /// Of a dict; empty for an element of a tuple or list.
  std::string name;
  std::size_t index = 0;
  bool is_named = false;
};

using Path = std::vector<Key>;

/// The paths to all leaves, in order, of a tree in PyTorch's JSON.
std::vector<Path> leaf_paths(std::string_view tree);

/// As Python writes it: `['state'][0]`.
std::string python_text(const Path& path, std::size_t first);

}  // namespace ftorch::exported
