// SPDX-License-Identifier: MIT
// What a program takes, and the checks of what it is given.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/exported/extents.h"
#include "model/exported/guards.h"
#include "model/exported/operation.h"
#include "model/exported/schema.h"
#include "model/model.h"

namespace ftorch::exported {

/// One input of the user.
struct UserInput {
  std::string name;
  /// None for a number.
  std::optional<at::ScalarType> dtype;
  std::vector<Extent> extents;
  /// Those of the tensor that the program was made with, where they were asked for.
  std::vector<Extent> strides;
  /// The number that the program was made for.
  std::optional<c10::IValue> number;
  /// What it is in the graph, or that number.
  Argument argument;
};

class Inputs {
 public:
  enum class Strides { any, compiled };
  explicit Inputs(const Program& program, Strides strides = Strides::any);

  /// Fails unless the program takes these; puts them on the stack. What it does not compute with is left out.
  void push(at::TensorList given, Stack& stack) const;
  /// What failures call each of them, `targets(1)`; by default `inputs(1), x`, with the name of `argument_names`.
  void set_subjects(std::vector<std::string> subjects) { subjects_ = std::move(subjects); }
  /// True if numbers of tensors are arguments of the program, which a check reads.
  bool has_numbers() const;
  /// The same check for Strides::compiled: the tensors, on the host and with the strides that the program was made for.
  /// Copies stand where these differ.
  PassTensors arranged(at::TensorList given) const;
  /// Fails unless the first inputs may be these.
  void check_forms(at::TensorList first) const;
  std::vector<std::string> names() const;
  std::vector<Argument> arguments() const;
  /// The place of a value of the graph among the inputs.
  std::optional<std::size_t> find(const std::string& name) const;

 private:
  void add(const Program& program, std::size_t input, Strides strides);
  void check_count(std::size_t count) const;
  template <class F>
  void for_each_given(at::TensorList given, const F& f) const;
  /// Calls take(value) for each number or tensor, checked; returns the sizes that were found.
  template <class F>
  Variables check(at::TensorList given, const F& take) const;
  void check_form(const UserInput& input, const at::Tensor& tensor) const;
  c10::IValue number(const UserInput& input, const at::Tensor& tensor, Variables& symbols) const;

  std::vector<UserInput> inputs_;
  std::vector<std::string> subjects_;
  Symbols symbols_;
  Guards guards_;
};

}  // namespace ftorch::exported
