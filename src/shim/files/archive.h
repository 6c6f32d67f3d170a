// SPDX-License-Identifier: MIT
// The ZIP archives that PyTorch writes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
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

  struct Record {
    /// With the folder that all records of an archive lie in.
    std::string name;
    std::uint32_t checksum;
    std::uint16_t method;
    std::uint64_t size;
    std::uint64_t position;

    /// Without that folder.
    std::string_view path() const { return std::string_view(name).substr(name.find('/') + 1); }
  };
  /// In the order of the archive.
  const std::vector<Record>& records() const { return records_; }
  /// Of the file, which no record exceeds.
  std::uint64_t size() const { return file_->size(); }
  /// Null if there is none.
  const Record* find(std::string_view path) const;
  /// Reads a record into memory for `record.size` bytes, and checks it.
  void read(const Record& record, void* data) const;
  /// The bytes of a record, which must be there.
  std::string read(std::string_view path) const;

 private:
  std::shared_ptr<InputFile> file_;
  std::vector<Record> records_;
};

}  // namespace ftorch
