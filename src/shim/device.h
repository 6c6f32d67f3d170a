// SPDX-License-Identifier: MIT
// Devices beside the host: which are there, and memory of theirs.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace ftorch {

/// Number of devices of a type that can be used.
int device_count(c10::DeviceType type);

/// Why there is no device of a type, in a sentence.
std::string absence(c10::DeviceType type);

/// Fails unless `data` is an address of memory on the device.
void check_address(void* data, c10::Device device);

/// A tensor over memory, on the host or on a device, that lives on when the tensor is gone.
at::Tensor wrapped_memory(void* data, at::IntArrayRef shape, at::IntArrayRef strides, const at::TensorOptions& options);

/// A copy of what a storage holds, on its device.
at::DataPtr copied_memory(const c10::StorageImpl& storage);

}  // namespace ftorch
