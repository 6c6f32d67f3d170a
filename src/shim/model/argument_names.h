// SPDX-License-Identifier: MIT
// What failures of a forward pass call its arguments.
#pragma once

#include <utility>

namespace ftorch {

/// Dummy arguments of the procedure that runs the model.
struct ArgumentNames {
  const char* inputs;
  const char* outputs;
};

/// Those of torch_model_forward where no NamedArguments says other ones.
inline thread_local constinit ArgumentNames argument_names{"input_tensors", "output_tensors"};

/// The names while this lives, on this thread.
class NamedArguments {
 public:
  explicit NamedArguments(ArgumentNames names) noexcept : before_(std::exchange(argument_names, names)) {}
  ~NamedArguments() { argument_names = before_; }
  NamedArguments(const NamedArguments&) = delete;
  NamedArguments& operator=(const NamedArguments&) = delete;

 private:
  ArgumentNames before_;
};

}  // namespace ftorch
