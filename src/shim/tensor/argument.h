// SPDX-License-Identifier: MIT
// Numbers of the program as LibTorch takes them, and which of them a dtype holds.
#pragma once

#include <c10/core/Scalar.h>
#include <c10/core/ScalarType.h>

#include "ftorch.h"

namespace ftorch {

/// The number of an argument; fails, under the name, if it is none.
c10::Scalar number_of(const ft_argument& argument, const char* name);

/// The same as an integer; fails if it is not whole.
int64_t whole_number_of(const ft_argument& argument, const char* name);

/// Fails unless an element of the dtype can be the number, which may be rounded to its precision.
void check_holds(c10::ScalarType dtype, const c10::Scalar& number, const char* name);

}  // namespace ftorch
