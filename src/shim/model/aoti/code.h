// SPDX-License-Identifier: MIT
// What all models that were loaded from one package share.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "files/shared_folder.h"
#include "model/aoti/specification.h"
#include "model/exported/inputs.h"
#include "model/exported/results.h"

namespace ftorch::aoti {

class Code {
 public:
  /// Fails, before anything is run, unless this process can run it.
  explicit Code(const Archive& archive);

  const exported::Program& program() const { return specification_.program; }
  const Specification& specification() const { return specification_; }
  const exported::Inputs& inputs() const { return inputs_; }
  const exported::Results& results() const { return results_; }
  /// The file of the library.
  std::string library() const { return folder_->file(library_); }
  /// The numbers of a tensor that the code does not use; null if it uses it.
  const std::string* unused(const std::string& name) const;

 private:
  void name_step();

  std::string library_;
  Specification specification_;
  exported::Inputs inputs_;
  exported::Results results_;
  std::unordered_map<std::string, std::string> unused_;
  std::shared_ptr<const SharedFolder> folder_;
};

}  // namespace ftorch::aoti
