// SPDX-License-Identifier: MIT
// Results that a kernel may compute in the memory of their target, without a temporary.
#pragma once

#include "tensor/tensor.h"

namespace ftorch {

/// True if nobody can tell whether an array is written by a kernel or by a copy: the tensor's value is the array, and no graph and
/// no other tensor has it.
bool is_array_alone(const Tensor& target);

/// True if an elementwise kernel may read `operand` and write the array of `target`: both are real, of one form, apart or the very
/// same elements, and nothing is recorded.
bool may_write_directly(const Tensor& target, const at::Tensor& operand);

}  // namespace ftorch
