// SPDX-License-Identifier: MIT
// Addresses at which kernels of LibTorch may read and write.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ftorch {

/// True for a multiple of the size of an element.
inline bool is_aligned(const void* address, std::size_t element_size) {
  return reinterpret_cast<std::uintptr_t>(address) % element_size == 0;
}

}  // namespace ftorch
