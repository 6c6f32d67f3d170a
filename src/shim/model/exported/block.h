// SPDX-License-Identifier: MIT
// A graph as a list of steps, ready to be run.
#pragma once

#include <ATen/core/ivalue.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/exported/operation.h"

namespace ftorch::exported {

/// What is pushed as an argument or a result.
struct Operand {
  enum class Kind : std::uint8_t {
    constant,
    value,
    /// A value that nothing uses afterwards: it is moved.
    last,
    list,
  };

  Kind kind = Kind::constant;
  std::uint32_t slot = 0;
  const c10::IValue* constant = nullptr;
  /// Of a list.
  std::vector<Operand> elements;
  /// Not null if what is pushed becomes what this one wants.
  const c10::Argument* argument = nullptr;
};

/// Where a result of a step goes.
struct Target {
  static constexpr std::int64_t nowhere = -1;
  std::int64_t slot = nowhere;
  bool is_list = false;
  /// Of a list.
  std::vector<std::int64_t> slots;
};

struct Step {
  std::unique_ptr<Operation> operation;
  std::vector<Operand> operands;
  std::vector<Target> targets;
  /// What failures call it.
  std::string title;
};

struct Block {
  /// Inputs first.
  std::uint32_t slots = 0;
  std::uint32_t inputs = 0;
  std::vector<Step> steps;
  std::vector<Operand> outputs;

  /// Takes the inputs off the stack and puts the outputs. Values stand on the stack as well, so that a pass allocates nothing.
  void run(Stack& stack) const;

 private:
  void run_steps(Stack& stack, std::size_t base) const;
};

}  // namespace ftorch::exported
