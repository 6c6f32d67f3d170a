// SPDX-License-Identifier: MIT
// Forward passes over tensors of the program.
#pragma once

#include <string>

#include "model/model.h"
#include "tensor/results.h"

namespace ftorch {

/// Runs a model, whose results become the values of `outputs`; without gradients unless `requires_grad`. All is checked, and made
/// ready, before anything is written.
void forward(Model& model, at::ArrayRef<Tensor*> inputs, at::ArrayRef<Tensor*> outputs, bool requires_grad);

/// Results of a model that may write its inputs, which it has copies of here; fails where `forward` would for what it writes.
PassTensors run_on_copies(Model& model, at::TensorList values);

using PassWrites = c10::SmallVector<PendingWrite, 2>;

/// Adds the writes of the results of a pass, which are checked against `outputs`; what is another's memory is copied.
void add_output_writes(at::ArrayRef<Tensor*> outputs, const Model& model, at::TensorList model_inputs,
                       PassTensors& results, PassWrites& writes);

/// Fails unless there is an output for each result.
void check_result_count(std::size_t count, std::size_t outputs);

/// What a model was given, in words: LibTorch's messages do not name arguments.
std::string inputs_text(const Model& model, at::TensorList model_inputs);

}  // namespace ftorch
