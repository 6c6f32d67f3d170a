// SPDX-License-Identifier: MIT
// CRC-32 with the reversed polynomial 0x04c11db7, eight bytes at a time.

#include "files/crc32.h"

#include <array>

namespace ftorch {
namespace {

using Table = std::array<std::uint32_t, 256>;

/// tables[k][b]: what the byte b adds when k zero bytes follow it.
constexpr std::array<Table, 8> make_tables() {
  std::array<Table, 8> tables{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t value = b;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xedb88320U : 0);
    tables[0][b] = value;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t b = 0; b < 256; ++b) {
      const std::uint32_t before = tables[k - 1][b];
      tables[k][b] = before >> 8 ^ tables[0][before & 255];
    }
  }
  return tables;
}

constexpr std::array<Table, 8> tables = make_tables();

}  // namespace

std::uint32_t crc32(std::uint32_t crc, const void* data, std::size_t size) noexcept {
  const unsigned char* bytes = static_cast<const unsigned char*>(data);
  crc = ~crc;
  for (; size >= 8; size -= 8, bytes += 8) {
    std::uint32_t next = 0;
    for (unsigned i = 0; i < 4; ++i)
      next ^= tables[7 - i][(bytes[i] ^ crc >> 8 * i) & 255] ^ tables[3 - i][bytes[4 + i]];
    crc = next;
  }
  for (; size > 0; --size, ++bytes) crc = crc >> 8 ^ tables[0][(crc ^ *bytes) & 255];
  return ~crc;
}

}  // namespace ftorch
