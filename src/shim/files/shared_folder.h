// SPDX-License-Identifier: MIT
// Records of an archive as files, for libraries of the system that read files alone.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "files/archive.h"

namespace ftorch {

/// A folder below the temporary folder that all processes of a user share. It is made by the first that needs these records and
/// removed with the last one that holds it, at the latest when the process ends. What a killed process has left is
/// removed by the next that unpacks anything.
class SharedFolder : public std::enable_shared_from_this<SharedFolder> {
 public:
  /// Fails, with what is to be set, where nothing can be written.
  static std::shared_ptr<const SharedFolder> unpack(const Archive& archive,
                                                    const std::vector<const Archive::Record*>& records);
  ~SharedFolder();
  SharedFolder(const SharedFolder&) = delete;
  SharedFolder& operator=(const SharedFolder&) = delete;

  /// The file of a record, by the last part of its name.
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
  explicit SharedFolder(std::string path) : path_(std::move(path)) {}
  void hold();
  static void remove_all() noexcept;

  std::string path_;
  /// Locked as long as the folder is used.
  Descriptor in_use_;
};

}  // namespace ftorch
