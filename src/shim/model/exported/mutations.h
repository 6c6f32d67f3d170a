// SPDX-License-Identifier: MIT
// Which inputs of a program a pass writes: tensors of the user, buffers, seldom parameters.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "model/exported/schema.h"

namespace ftorch::exported {

/// The values among the inputs of the graph that a pass may write, in place or at its end, in one mode.
std::unordered_set<std::string> written_inputs(const Program& program, bool is_training);

/// True for what a normalisation learns of its batches.
bool is_statistic(const Program& program, const Output& output);

/// Which inputs are buffers that take a new value at the end of a pass. The graph is given copies, so that their old
/// values live on in results and in what is kept for gradients.
std::vector<std::size_t> carried_buffers(const Program& program);

}  // namespace ftorch::exported
