// SPDX-License-Identifier: MIT
// Steps of optimizers for which ATen has no fused kernel; rows of the catalog name them.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace ftorch {

/// Hinton 2012, as `torch.optim.RMSprop` computes it.
void rmsprop(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& gradients,
             const std::vector<at::Tensor>& square_avg, const std::vector<at::Tensor>& momentum_buffer,
             const std::vector<at::Tensor>& grad_avg, double learning_rate, double alpha, double eps,
             double weight_decay, double momentum, bool centered);

}  // namespace ftorch
