// SPDX-License-Identifier: MIT
// Dtypes and sizes of what a program takes and returns, for who asks.
#pragma once

#include <vector>

#include "model/exported/schema.h"
#include "model/model.h"

namespace ftorch::exported {

/// Of values of the program's graph, or of numbers.
std::vector<Form> forms_of(const Program& program, const std::vector<Argument>& values);

}  // namespace ftorch::exported
