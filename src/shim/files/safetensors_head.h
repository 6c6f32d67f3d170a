// SPDX-License-Identifier: MIT
// The head of a safetensors file: which tensors there are, and where.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "files/input_file.h"

namespace ftorch {

struct HeadEntry {
  std::string name;
  c10::ScalarType dtype;
  std::vector<std::int64_t> shape;
  /// Bytes of the data, [begin, end).
  std::uint64_t begin;
  std::uint64_t end;
  std::optional<std::uint32_t> checksum;
  /// complex128, for which the format has no dtype: stored as float64 with a last dimension of two.
  bool is_viewed_as_complex = false;
};

struct Head {
  std::vector<HeadEntry> entries;
  std::map<std::string, std::string> texts;
  /// Where the data begin in the file.
  std::uint64_t data = 0;
};

[[noreturn]] void fail_damaged_file(const std::string& how);

/// The head whose text is head_text(); the data are of a size that agrees with it, if that is given.
Head parse_head(const std::string& raw, std::optional<std::uint64_t> data_size);
/// The head, if the file agrees with it: the data have no gaps, no overlaps and nothing behind them.
Head read_head(const InputFile& file);

/// Gives each entry its place, so that all are aligned to their element; returns the order of the data.
std::vector<std::size_t> place_entries(Head& head);
/// Size and head as they stand in the file, with the checksums.
std::string head_text(const Head& head);

}  // namespace ftorch
