// SPDX-License-Identifier: MIT
// Free slots that one thread keeps for itself, so that threads need not wait for each other.
#pragma once

#include <cstdint>

namespace ftorch {

/// Of the slots for objects of one kind.
struct Stock {
  /// How many are taken from those of all threads, or given back, at once.
  static constexpr std::uint32_t batch = 32;
  static constexpr std::uint32_t capacity = 2 * batch;

  std::uint32_t indices[capacity];
  std::uint32_t size;
  /// 0 before the first use, and when the thread has ended.
  std::uint32_t room;
  bool is_opened;
};

}  // namespace ftorch
