// SPDX-License-Identifier: MIT
// What TorchScript's interpreter says of a failure. Its messages are read from the front, so that words of the model decide nothing.

#include "core/traceback.h"

#include <algorithm>
#include <cctype>

namespace ftorch {
namespace {

constexpr std::string_view beginning_of_fault = "The following operation failed in the TorchScript interpreter.";

/// The name of a class before a colon, with which a line may begin; empty if there is none.
std::string_view class_at_start(std::string_view line) {
  const auto is_of_name = [](unsigned char one) { return std::isalnum(one) || one == '_' || one == '.'; };
  const auto end = std::find_if_not(line.begin(), line.end(), is_of_name);
  const std::string_view name = line.substr(0, static_cast<std::size_t>(end - line.begin()));
  return line.substr(name.size(), 2) == ": " ? name : std::string_view();
}

/// From the first line that begins with a class: those of the source are indented, or begin with a file.
std::string_view after_source(std::string_view message) {
  std::string_view rest = message;
  while (!rest.empty()) {
    if (!class_at_start(rest).empty()) return rest;
    const auto end = rest.find('\n');
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  }
  return message;
}

/// True when the innermost frame lies in PyTorch's own modules.
bool is_in_torch(std::string_view traceback) {
  traceback = traceback.substr(0, traceback.find("\nTraceback of TorchScript, original code"));
  const auto frame = traceback.rfind("\n  File \"");
  return frame != traceback.npos && traceback.substr(frame).starts_with("\n  File \"code/__torch__/torch/nn/");
}

}  // namespace

bool is_of_interpreter(std::string_view message) noexcept { return message.starts_with(beginning_of_fault); }

ModelFault fault_of(std::string_view message, bool is_raised) noexcept {
  const std::string_view line = after_source(message);
  const std::string_view traceback = message.substr(0, static_cast<std::size_t>(line.data() - message.data()));
  const std::string_view name = class_at_start(line);
  std::string_view text = line;
  if (const auto module = name.rfind('.'); module != name.npos) text.remove_prefix(module + 1);
  else if (name == "RuntimeError" && !is_raised) text.remove_prefix(name.size() + 2);
  else if (line.substr(std::min(line.size(), name.size() + 2)).starts_with("AssertionError: "))
    text.remove_prefix(name.size() + 2);
  // A fault in a fork is told by the interpreter that waits for it, and has lost its type.
  if (!is_raised && is_of_interpreter(text)) return fault_of(text, false);
  const bool is_told = is_raised || name.find('.') != name.npos || text.starts_with("AssertionError: ");
  return {text, is_told && !is_in_torch(traceback)};
}

}  // namespace ftorch
