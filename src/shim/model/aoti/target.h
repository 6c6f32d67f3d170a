// SPDX-License-Identifier: MIT
// What machine code was compiled for, and whether this process can run it.
#pragma once

#include <string>
#include <string_view>

namespace ftorch::aoti {

struct Target {
  /// As `uname -m` has it.
  std::string machine;
  /// The least processor, a name of GCC's -march.
  std::string march;
  /// Sets of instructions that the code has, `AVX512 AMX_TILE`, by AOTInductor's names.
  std::string instructions;
  /// LibTorch's version, `2.13.0`.
  std::string torch;
};

/// Fails unless this process can run code for that machine with that LibTorch.
void check_target(const Target& target);

/// Fails unless these are the first bytes of a library for this type of machine.
void check_library(std::string_view bytes);

}  // namespace ftorch::aoti
