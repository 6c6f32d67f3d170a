// SPDX-License-Identifier: MIT
// A regular file, opened once and read at any place.
#pragma once

#include <caffe2/serialize/read_adapter_interface.h>

#include <string>

#include "files/system_file.h"

namespace ftorch {

/// LibTorch reads from it; another file that takes the name meanwhile changes nothing.
class InputFile final : public caffe2::serialize::ReadAdapterInterface {
 public:
  /// Fails for what is no regular file, and never waits for one to be written.
  explicit InputFile(const std::string& filename);

  std::size_t size() const override { return size_; }
  /// Reads n bytes; fails if the file has become shorter.
  std::size_t read(std::uint64_t position, void* buffer, std::size_t n, const char* what = "") const override;

 private:
  Descriptor descriptor_;
  std::size_t size_;
};

}  // namespace ftorch
