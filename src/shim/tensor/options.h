// SPDX-License-Identifier: MIT
// What a caller asks of a new tensor, checked.
#pragma once

#include "core/error.h"
#include "tensor/convert.h"

namespace ftorch {

struct TensorSpec {
  c10::ScalarType dtype;
  c10::Device device;
  bool requires_grad;
};

/// The dtype and device that are asked for, if there are such.
TensorSpec parse_options(const ft_options* options);

/// The shape that is asked for, if it has `ndims` extents, none negative, and its elements can be counted in bytes.
c10::IntArrayRef shape_of(int ndims, const int64_t* shape, int64_t shape_size, c10::ScalarType dtype);

}  // namespace ftorch
