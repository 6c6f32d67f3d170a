// SPDX-License-Identifier: MIT
// What assignments and ends of variables replaced: compilers copy the bits of tensors to temporaries, which still name it.
#pragma once

#include "tensor/tensor.h"

namespace ftorch {

/// Until this thread's next entry that is no assignment or release, the tensor with this handle is readable as `value`.
void keep_replaced(ft_handle handle, at::Tensor value);

/// Until then an object that is no tensor is not released.
void release_later(ft_handle handle);

/// The right-hand side of an assignment: a tensor, or what a bit copy names of one that was replaced or released.
const Tensor& source_of_assignment(ft_handle handle);

/// True when that succeeds.
bool is_readable(ft_handle handle);

}  // namespace ftorch
