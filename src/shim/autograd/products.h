// SPDX-License-Identifier: MIT
// An output and an input, and the product of the derivative with a vector like the input.
#pragma once

#include <ATen/core/Tensor.h>

#include "ftorch.h"

namespace ftorch {

struct Pair {
  at::Tensor output;
  at::Tensor input;
};

/// The values behind handles, of which the first has a graph and the second takes gradients.
Pair pair_of(ft_handle output, ft_handle input);

/// The derivative of the output along `vector`, by differentiating twice.
at::Tensor push_forward(const at::Tensor& output, const at::Tensor& input, const at::Tensor& vector);

}  // namespace ftorch
