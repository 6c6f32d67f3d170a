// SPDX-License-Identifier: MIT
// A file that is written whole or not at all.
#pragma once

#include <memory>
#include <string>

#include "files/system_file.h"

namespace ftorch {

/// Writes a draft in the file's folder and gives it the file's name at the end. Whatever happens before that, the file is as
/// it was; a process that is killed may leave the draft, `.ftorch-<process>-<number>.part`, behind.
class AtomicFile {
 public:
  /// Symbolic links are followed: their target is written. Fails for what is no regular file, and for a file that must not
  /// be written.
  explicit AtomicFile(const std::string& filename);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Never fails, since LibTorch's writers end the process if this does: commit() tells of the first error.
  void write(const void* data, std::size_t size) noexcept;
  /// Brings all bytes to the disk and gives the file its name, or fails and changes nothing.
  void commit();

 private:
  void open_draft();
  void copy_owner_and_mode(const struct stat& status);
  void flush() noexcept;

  std::string name_;
  std::string draft_;
  Descriptor folder_;
  Descriptor descriptor_;
  std::unique_ptr<char[]> buffer_;
  std::size_t used_ = 0;
  int error_ = 0;
};

}  // namespace ftorch
