// SPDX-License-Identifier: MIT
// Derivatives of a function of the program against central differences.
#pragma once

#include "autograd/host_function.h"

namespace ftorch {

/// What is wrong with a derivative, in a sentence; empty if all are right. Of the inputs those with requires_grad are varied, or
/// all real ones if none has it. 0 chooses a step or a tolerance.
std::string wrong_derivative(const HostFunction& function, const Values& inputs, std::size_t outputs_size, double step,
                             double tolerance);

}  // namespace ftorch
