// SPDX-License-Identifier: MIT
// What TorchScript's interpreter says of a failure, without the model's source.
#pragma once

#include <string_view>

namespace ftorch {

struct ModelFault {
  /// The last line of what Python would show, and those that follow: class and text, or the text of an operator.
  std::string_view text;
  /// Raised by the model's own code, not by an operator, nor by a module of PyTorch, which raises what operators would.
  bool is_raised;
};

/// True for the message of a failure while a model runs.
bool is_of_interpreter(std::string_view message) noexcept;

/// The parts of such a message; `is_raised` if the type of the exception says so already.
ModelFault fault_of(std::string_view message, bool is_raised) noexcept;

}  // namespace ftorch
