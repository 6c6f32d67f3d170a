// SPDX-License-Identifier: MIT
// Fuzzes archives: the input is a file.

#include <cstddef>
#include <cstdint>

#include "load.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  load_model({reinterpret_cast<const char*>(data), size});
  return 0;
}
