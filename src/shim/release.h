// SPDX-License-Identifier: MIT
// The end of a tensor.
#pragma once

#include "tensor.h"

namespace ftorch {

/// Ends the tensor, if there is one. One that was retired by its variable stays readable within the statement (replaced.h).
void release_tensor(ft_handle handle, bool is_retired = false);

}  // namespace ftorch
