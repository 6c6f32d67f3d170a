// SPDX-License-Identifier: MIT
// What a TorchScript program does to tensors beside computing results.
#pragma once

#include "model.h"

namespace torch::jit {
struct Graph;
}

namespace ftorch {

/// The effects of a program without calls, whose first input is the module. Of what cannot be known the worst is assumed.
Effects effects_of(const torch::jit::Graph& graph);

}  // namespace ftorch
