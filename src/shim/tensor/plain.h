// SPDX-License-Identifier: MIT
// Plain tensors: numbers in memory with strides.
#pragma once

#include <ATen/core/Tensor.h>

namespace ftorch {

/// Fails for a sparse, quantised or nested tensor, for one in a layout of oneDNN, and for one without numbers.
void check_plain(const at::Tensor& tensor);

}  // namespace ftorch
