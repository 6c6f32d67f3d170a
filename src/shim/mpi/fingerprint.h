// SPDX-License-Identifier: MIT
// What ranks compare instead of the things themselves: a hash, FNV-1a.
#pragma once

#include <cstdint>

#include "ftorch.h"

namespace ftorch::mpi {

class Fingerprint {
 public:
  void add(std::int64_t number) { value_ = (value_ ^ static_cast<std::uint64_t>(number)) * 0x100000001b3; }
  /// Dtype, rank and sizes of a tensor, of which the first `skipped` do not count.
  void add_form(ft_handle tensor, std::size_t skipped = 0);
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325;
};

}  // namespace ftorch::mpi
