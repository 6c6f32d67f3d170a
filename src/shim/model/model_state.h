// SPDX-License-Identifier: MIT
// What a model learns: parameters and buffers, as a dict and as a file.
#pragma once

#include <string>

#include "model/model.h"
#include "tensor/state_dict.h"

namespace ftorch {

/// Parameters and buffers themselves. What has several names has the first of them in the alphabet, and each other name is a
/// text that says so, as safetensors.torch.save_model does.
StateDict state_of(const Model& model);
/// Fails, with a list of all that is wrong, if `found` cannot be loaded. Of several names of one tensor, one is enough.
void check_state(const Model& model, const StateDict& found, Names names = Names::equal);
/// Copies the tensors of `found`, which was checked, into the memory of the model.
void load_state(const Model& model, const StateDict& found);

void save_state(const Model& model, const std::string& filename);
/// Changes nothing if it fails.
void load_state(const Model& model, const std::string& filename, Names names);

}  // namespace ftorch
