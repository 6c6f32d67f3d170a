// SPDX-License-Identifier: MIT
// An archive of torch.export.save, but for the memory of its tensors.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "files/archive.h"
#include "model/exported/schema.h"
#include "model/exported/weights.h"

namespace ftorch::exported {

class Package {
 public:
  explicit Package(const Archive& archive);

  /// The name of the one program in it.
  const std::string& model() const { return model_; }
  const Program& program() const { return program_; }
  /// Takes the records that are not memory of `weights`, to be written back.
  void keep_records(const Archive& archive, const Weights& weights);
  /// The archive with these tensors, in the order in which it was.
  void write(const Weights& weights, const std::function<void(const void*, std::size_t)>& write) const;

 private:
  std::string model_;
  Program program_;
  /// Paths with bytes, which are empty for memory of tensors.
  std::vector<std::pair<std::string, std::string>> records_;
};

}  // namespace ftorch::exported
