// SPDX-License-Identifier: MIT
// Models in packages of AOTInductor.
#pragma once

#include "files/archive.h"
#include "model/model.h"

namespace ftorch {

/// True if an archive has compiled code.
bool has_compiled_model(const Archive& archive);

std::shared_ptr<Model> load_compiled_model(const Archive& archive, at::Device device);

}  // namespace ftorch
