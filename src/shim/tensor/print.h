// SPDX-License-Identifier: MIT
// Tensors as text.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace ftorch {

/// The elements as Fortran has them, each number whole: a matrix row by row, of higher ranks the sections (:,:,k) in the order
/// of the array's elements. The last line says dtype and shape.
std::string text_of(const at::Tensor& tensor);

}  // namespace ftorch
