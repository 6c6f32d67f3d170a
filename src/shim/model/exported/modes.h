// SPDX-License-Identifier: MIT
// Training and evaluation: the arguments of operators that differ.
#pragma once

#include <ATen/core/ivalue.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/exported/schema.h"
#include "tensor/boxed.h"

namespace ftorch::exported {

/// How a program was exported, as far as its nodes tell.
enum class Exported { unknown, training, evaluation };

class Modes {
 public:
  explicit Modes(bool is_decomposed) : is_decomposed_(is_decomposed) {}

  /// Notes what a node says of the mode; true if `place`, where the constant for an argument stands, is the mode.
  bool add_argument(const Node& node, const c10::FunctionSchema& schema, const c10::Argument& argument,
                    c10::IValue& place);
  /// Notes an operator that works in one mode alone, or cannot be told to work in the other one.
  void add_operator(const Node& node, const c10::FunctionSchema& schema);

  /// Fails, without a change, if the program cannot be set to the mode; says how to export it.
  void train(bool is_training);
  bool is_training() const { return is_training_.toBool(); }
  /// A truth that changes with the mode.
  const c10::IValue& training_flag() const { return is_training_; }
  Exported exported() const;

 private:
  struct Switch {
    c10::IValue* place;
    c10::IValue in_training;
    c10::IValue in_evaluation;
    bool was_training;
  };

  void check(bool is_training) const;

  bool is_decomposed_;
  c10::IValue is_training_ = false;
  std::vector<Switch> switches_;
  /// What cannot be set to training, and to evaluation; empty if there is nothing.
  std::string bound_to_evaluation_;
  std::string bound_to_training_;
  bool has_attention_without_dropout_ = false;
};

}  // namespace ftorch::exported
