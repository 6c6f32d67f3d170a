// SPDX-License-Identifier: MIT
// Several results of one call: each is checked before any is written.
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace ftorch {

using Values = std::vector<at::Tensor>;

/// The objects behind `targets`, which messages call `name`; null where there is none yet.
std::vector<Tensor*> find_targets(const char* name, const ft_handle* targets, int64_t size);

/// Fails when two targets are written over each other.
void check_apart(const char* name, const std::vector<Tensor*>& targets);

/// The value as the only one who changes it has it: in memory of its own, each element once.
at::Tensor own_value(at::Tensor value);

/// True when the memory of the tensor is an array of the program or a model's, which receives numbers.
bool names_memory(const Tensor& tensor);

/// Writes values that nobody else changes, as write_result() does. An undefined value empties its target; an array, or memory
/// of a model, gets zeros instead.
void write_results(const char* name, ft_handle* targets, Values values);

}  // namespace ftorch
