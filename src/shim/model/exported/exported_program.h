// SPDX-License-Identifier: MIT
// Models in archives of torch.export.save.
#pragma once

#include "files/archive.h"
#include "model/model.h"

namespace ftorch {

/// True if an archive has an exported program.
bool has_exported_program(const Archive& archive);

std::shared_ptr<Model> load_exported_program(const Archive& archive, at::Device device);

}  // namespace ftorch
