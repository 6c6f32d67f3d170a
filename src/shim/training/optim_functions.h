// SPDX-License-Identifier: MIT
// Steps of optimizers for which ATen has no fused kernel, after those of torch.optim.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace ftorch {

using TensorVector = std::vector<at::Tensor>;

/// torch.optim.RMSprop. Lists that the hyperparameters do not need are empty.
void rmsprop(const TensorVector& parameters, const TensorVector& gradients, const TensorVector& square_avg,
             const TensorVector& momentum_buffer, const TensorVector& grad_avg, double learning_rate, double alpha,
             double eps, double weight_decay, double momentum, bool centered, bool maximize);

/// torch.optim.Adamax.
void adamax(const TensorVector& parameters, const TensorVector& gradients, const TensorVector& exp_avg,
            const TensorVector& exp_inf, const TensorVector& steps, double learning_rate, double beta_1, double beta_2,
            double eps, double weight_decay, bool maximize);

/// torch.optim.NAdam.
void nadam(const TensorVector& parameters, const TensorVector& gradients, const TensorVector& mu_product,
           const TensorVector& exp_avg, const TensorVector& exp_avg_sq, const TensorVector& steps, double learning_rate,
           double beta_1, double beta_2, double eps, double weight_decay, double momentum_decay,
           bool decoupled_weight_decay, bool maximize);

/// torch.optim.RAdam.
void radam(const TensorVector& parameters, const TensorVector& gradients, const TensorVector& exp_avg,
           const TensorVector& exp_avg_sq, const TensorVector& steps, double learning_rate, double beta_1,
           double beta_2, double eps, double weight_decay, bool decoupled_weight_decay, bool maximize);

}  // namespace ftorch
