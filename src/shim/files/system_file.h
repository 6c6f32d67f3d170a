// SPDX-License-Identifier: MIT
// Files of the system: descriptors, failures, and what may be read or written.
#pragma once

#include <string>

#include <sys/stat.h>

namespace ftorch {

/// A failure of the system: what could not be done, and why.
[[noreturn]] void fail_io(const std::string& what, int error);

/// Fails with `what` if it is a directory, a device or anything else that is no regular file.
void require_regular(const struct stat& status, const std::string& what);

/// How a failure names a file: the whole name, unless no file can have it.
std::string file_subject(const std::string& filename);

/// An open descriptor, or -1; closed at the end.
class Descriptor {
 public:
  Descriptor() = default;
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  /// Fails with `what`.
  void open(const std::string& name, int flags, const std::string& what);
  void adopt(int number) noexcept { number_ = number; }
  /// 0, or the error of the system.
  int close() noexcept;
  int number() const noexcept { return number_; }

 private:
  int number_ = -1;
};

}  // namespace ftorch
