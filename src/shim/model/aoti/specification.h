// SPDX-License-Identifier: MIT
// What ftorch-export says of a package of AOTInductor in its metadata.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "files/archive.h"
#include "model/aoti/target.h"
#include "model/exported/schema.h"

namespace ftorch::aoti {

/// What goes into a compiled training step and comes out of it, in this order; the loss comes first.
struct StepParts {
  std::vector<std::string> parameters;
  std::vector<std::string> buffers;
  /// The parameters that have a gradient.
  std::vector<std::string> gradients;
  /// Those that required one, and have no part in the loss.
  std::vector<std::string> unused;
  std::size_t inputs;
  std::size_t targets;
};

struct Specification {
  Target target;
  /// Weights are part of the code.
  bool is_frozen;
  /// Whether inputs without elements end the process.
  bool needs_elements;
  bool is_training;
  /// Inputs and outputs of what was compiled, without nodes.
  exported::Program program;
  /// If it is no model but a training step.
  std::optional<StepParts> step;
  /// Other names of tensors.
  std::unordered_map<std::string, std::string> aliases;
};

/// The records of the code of the one model in a package.
std::vector<const Archive::Record*> code_records(const Archive& archive);

/// Fails for a package without a specification.
Specification read_specification(const Archive& archive);

/// Parameters and buffers that the code does not use, by name, as bytes.
std::unordered_map<std::string, std::string> read_unused(const Archive& archive);

}  // namespace ftorch::aoti
