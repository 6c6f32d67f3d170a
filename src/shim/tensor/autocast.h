// SPDX-License-Identifier: MIT
// Regions of a thread in which operations run in another dtype.
#pragma once

#include <c10/core/DeviceType.h>

namespace ftorch {

/// True in a region for devices of a type; of any without one.
bool autocasts();
bool autocasts(c10::DeviceType device);

/// LibTorch keeps the converted copies of leaves in a region, for all threads. They are wrong once a leaf is written, by whatever
/// thread, and have no graph if they were made in a pass without gradients; so they end with a backward pass, a write, such a
/// pass, and one of a leaf over an array, which the program may write.
void forget_casts() noexcept;

}  // namespace ftorch
