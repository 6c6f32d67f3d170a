// SPDX-License-Identifier: MIT
// The ZIP archives that PyTorch writes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "files/input_file.h"

namespace ftorch {

class Archive {
 public:
  /// Fails for a file whose directory cannot be read.
  explicit Archive(std::shared_ptr<InputFile> file);

  /// True when the name of a record has this part.
  bool holds(std::string_view part) const;
  /// Reads all records, and fails if one is not what was written. LibTorch's reader does not look at the checksums.
  void check_records() const;

 private:
  struct Record {
    std::string name;
    std::uint32_t checksum;
  };

  std::shared_ptr<InputFile> file_;
  std::vector<Record> records_;
};

}  // namespace ftorch
