// SPDX-License-Identifier: MIT
// Derivatives of values by values, without touching the gradients of leaves.
#pragma once

#include "tensor/results.h"

namespace ftorch {

enum class Graph {
  freed,    ///< of the outputs, as backward does
  kept,     ///< for another pass
  recorded  ///< kept, and that of the gradients is recorded
};

/// Gradients of the outputs, begun with `seeds`, by the inputs; undefined by one that the outputs do not depend on.
Values differentiate(const Values& outputs, const Values& inputs, const Values& seeds, Graph graph);

/// The same for one output and one input, on which it depends.
at::Tensor differentiate(const at::Tensor& output, const at::Tensor& input, const at::Tensor& seed, Graph graph);

/// Fails unless the values have a graph and the inputs take gradients.
void check_has_graph(const at::Tensor& output);
void check_is_input(const at::Tensor& input);

/// Derivatives of each element of a real output by each of a real input: shape of the output, then that of the input.
at::Tensor jacobian_of(const at::Tensor& output, const at::Tensor& input);

}  // namespace ftorch
