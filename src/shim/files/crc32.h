// SPDX-License-Identifier: MIT
// The checksum of ZIP archives.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ftorch {

/// The CRC-32 of what `crc` is the checksum of, 0 at first, followed by these bytes.
std::uint32_t crc32(std::uint32_t crc, const void* data, std::size_t size) noexcept;

}  // namespace ftorch
