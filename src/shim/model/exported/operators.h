// SPDX-License-Identifier: MIT
// Operators by their names in a graph.
#pragma once

#include <optional>
#include <string>

#include "tensor/boxed.h"

namespace ftorch::exported {

/// The operator that `torch.ops.aten.add.Tensor` is; nothing if this LibTorch has none.
std::optional<BoxedOperator> find_operator(const std::string& target);

}  // namespace ftorch::exported
