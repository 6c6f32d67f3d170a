// SPDX-License-Identifier: MIT
// Models in TorchScript archives.
#pragma once

#include "files/input_file.h"
#include "model/model.h"

namespace ftorch {

std::shared_ptr<Model> load_torchscript(std::shared_ptr<InputFile> file, at::Device device);

}  // namespace ftorch
