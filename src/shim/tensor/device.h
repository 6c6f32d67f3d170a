// SPDX-License-Identifier: MIT
// Devices beside the host: which are there, and memory of theirs.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace ftorch {

/// Number of devices of a type that can be used.
int device_count(c10::DeviceType type);

/// Why there is no device of a type, in a sentence.
std::string why_unavailable(c10::DeviceType type);

/// Fails unless `data` is an address of memory on the device.
void check_address(void* data, c10::Device device);

/// A tensor over memory, on the host or on a device, that lives on when the tensor is gone.
at::Tensor from_external_memory(void* data, at::IntArrayRef shape, at::IntArrayRef strides,
                                const at::TensorOptions& options);

struct CopiedMemory {
  at::DataPtr data;
  std::size_t bytes;
};

/// Memory on the tensor's device with a copy of its elements, in elements apart by `strides`; what lies in between is not
/// touched.
CopiedMemory copied_memory(const at::Tensor& tensor, at::IntArrayRef strides);

}  // namespace ftorch
