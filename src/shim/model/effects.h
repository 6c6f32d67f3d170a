// SPDX-License-Identifier: MIT
// What a TorchScript program does to tensors beside computing results.
#pragma once

#include <string>
#include <vector>

#include "model/model.h"

namespace c10 {
struct ClassType;
}

namespace torch::jit {
struct Graph;
}

namespace ftorch {

/// The effects of a program without calls, whose first input is the module. Of what cannot be known the worst is assumed.
Effects effects_of(const torch::jit::Graph& graph);

/// An attribute whose tensor a program writes in place or replaces.
struct Changed {
  const c10::ClassType* owner;
  std::string name;
  /// Statistics of batches, which evaluation leaves alone.
  bool in_training_only;
};

/// All of such a program, parameters excepted.
std::vector<Changed> changed_by(const torch::jit::Graph& graph);

}  // namespace ftorch
