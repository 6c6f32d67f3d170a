// SPDX-License-Identifier: MIT
// The parts of a package, each read once.

#include "model/aoti/code.h"

#include <algorithm>

#include "core/error.h"
#include "core/text.h"

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
      folder_(SharedFolder::unpack(archive, code_records(archive))) {
  if (specification_.step) name_step();
}

/// The arguments of a training step, as its caller has them.
void Code::name_step() {
  const StepParts& step = *specification_.step;
  std::vector<std::string> subjects;
  for (const std::string& name : step.parameters) subjects.push_back("parameter '" + name + "' of the model");
  for (const std::string& name : step.buffers) subjects.push_back("buffer '" + name + "' of the model");
  for (std::size_t i = 0; i < step.inputs; ++i) subjects.push_back(element_text("inputs", i));
  for (std::size_t i = 0; i < step.targets; ++i) subjects.push_back(element_text("targets", i));
  inputs_.set_subjects(std::move(subjects));
}

const std::string* Code::unused(const std::string& name) const {
  const auto found = unused_.find(name);
  return found == unused_.end() ? nullptr : &found->second;
}

}  // namespace ftorch::aoti
