// SPDX-License-Identifier: MIT
// The end of objects.
#pragma once

#include "tensor/tensor.h"

namespace ftorch {

/// Ends the tensor, if there is one. One that was retired by its variable stays readable within the statement (replaced.h).
void release_tensor(ThreadState& thread, ft_handle handle, bool is_retired = false);

/// Ends an object of any kind; fails for what is no handle.
void release_object(ft_handle handle);

}  // namespace ftorch
