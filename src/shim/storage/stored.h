// SPDX-License-Identifier: MIT
// States of the objects that a checkpoint holds, whatever their kind.
#pragma once

#include "core/handle.h"
#include "tensor/state_dict.h"

namespace ftorch {

/// What messages and files call its kind; fails for one that no checkpoint holds.
const char* stored_kind(ft_handle object);

/// That of a tensor is one that has no name.
StateDict state_of(ft_handle object);

/// Loads a state into an object of its kind that is no tensor; fails before anything changes.
void load_state(ft_handle object, const StateDict& state);

}  // namespace ftorch
