// SPDX-License-Identifier: MIT
// Models in TorchScript archives.
#pragma once

#include "model.h"

namespace ftorch {

std::shared_ptr<Model> load_torchscript(const std::string& filename, at::Device device);

}  // namespace ftorch
