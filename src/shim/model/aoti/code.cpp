// SPDX-License-Identifier: MIT
// The parts of a package, each read once.

#include "model/aoti/code.h"

#include <algorithm>

#include "core/error.h"

namespace ftorch::aoti {
namespace {

/// The record of the library, which is for this type of machine.
std::string library_of(const Archive& archive) {
  const auto records = code_records(archive);
  const auto found = std::find_if(records.begin(), records.end(),
                                  [](const auto* record) { return record->name.ends_with(".wrapper.so"); });
  if (found == records.end()) fail(ft_model_error, "the package has no library; it was not compiled for Linux");
  check_library(archive.read((*found)->path()));
  return (*found)->name.substr((*found)->name.rfind('/') + 1);
}

}  // namespace

Code::Code(const Archive& archive)
    : library_(library_of(archive)),
      specification_(read_specification(archive)),
      inputs_(program(), exported::Inputs::Strides::compiled),
      results_(program()),
      unused_(read_unused(archive)),
      folder_(SharedFolder::unpack(archive, code_records(archive))) {}

const std::string* Code::unused(const std::string& name) const {
  const auto found = unused_.find(name);
  return found == unused_.end() ? nullptr : &found->second;
}

}  // namespace ftorch::aoti
