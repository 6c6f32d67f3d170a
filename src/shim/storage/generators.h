// SPDX-License-Identifier: MIT
// The states of LibTorch's random generators.
#pragma once

#include "tensor/state_dict.h"

namespace ftorch {

/// Those of the host and of each device that the process has used, by the device's name.
StateDict generator_states();
/// Sets those of the devices that are there; if one cannot be set, none is.
void set_generators(const StateDict& states);

}  // namespace ftorch
