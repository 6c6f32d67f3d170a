// SPDX-License-Identifier: MIT
// Steps of optimizers for which ATen has no fused kernel.

#include "training/optim_functions.h"

namespace ftorch {

void rmsprop(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& gradients,
             const std::vector<at::Tensor>& square_avg, const std::vector<at::Tensor>& momentum_buffer,
             const std::vector<at::Tensor>& grad_avg, double learning_rate, double alpha, double eps,
             double weight_decay, double momentum, bool centered) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const at::Tensor gradient = weight_decay != 0 ? gradients[i].add(parameters[i], weight_decay) : gradients[i];
    square_avg[i].mul_(alpha).addcmul_(gradient, gradient, 1 - alpha);
    at::Tensor scale;
    if (centered) {
      grad_avg[i].lerp_(gradient, 1 - alpha);
      scale = square_avg[i].addcmul(grad_avg[i], grad_avg[i], -1).sqrt_().add_(eps);
    } else {
      scale = square_avg[i].sqrt().add_(eps);
    }
    if (momentum > 0) {
      momentum_buffer[i].mul_(momentum).addcdiv_(gradient, scale);
      parameters[i].add_(momentum_buffer[i], -learning_rate);
    } else {
      parameters[i].addcdiv_(gradient, scale, -learning_rate);
    }
  }
}

}  // namespace ftorch
