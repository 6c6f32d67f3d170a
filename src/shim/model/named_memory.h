// SPDX-License-Identifier: MIT
// Tensors of the program that name memory of a model.
#pragma once

#include "tensor/tensor.h"

namespace ftorch {

/// Fails unless the tensor behind `target`, which may be null, can become a name of `memory`.
void check_name(ft_handle target, const at::Tensor& memory);
/// Makes `target` the handle of another tensor, which names `memory`.
void name_memory(ft_handle& target, const at::Tensor& memory);

/// True for floating and complex numbers.
bool is_differentiable(const at::Tensor& tensor);

}  // namespace ftorch
