// SPDX-License-Identifier: MIT
// Which inputs of a program a pass writes: tensors of the user, buffers, seldom parameters.
#pragma once

#include <string>
#include <unordered_set>

#include "model/exported/schema.h"

namespace ftorch::exported {

/// The values among the inputs of the graph that a pass may write, in place or at its end, in one mode.
std::unordered_set<std::string> written_inputs(const Program& program, bool is_training);

}  // namespace ftorch::exported
