// SPDX-License-Identifier: MIT
// Numbers that a program computes from sizes, with the functions of Python's operators and of PyTorch's symbolic sizes.
#pragma once

#include <ATen/core/ivalue.h>

#include <cstdint>
#include <string_view>

namespace ftorch::exported {

/// An integer, which a truth is as well, or a real number.
struct Number {
  Number(std::int64_t value) : integer(value) {}
  Number(int value) : integer(value) {}
  Number(bool value) : integer(value) {}
  Number(double value) : is_real(true), real(value) {}
  /// Fails for what is no number.
  explicit Number(const c10::IValue& value);

  double as_real() const { return is_real ? real : static_cast<double>(integer); }
  bool as_truth() const { return is_real ? real != 0 : integer != 0; }
  bool operator==(const Number& other) const;

  bool is_real = false;
  std::int64_t integer = 0;
  double real = 0;
};

using Numbers = const Number*;

/// Fails where Python would, and for integers beyond 64 bits.
struct Function {
  std::string_view name;
  std::size_t least;
  std::size_t most;
  Number (*evaluate)(Numbers arguments, std::size_t count);
};

/// By the name in a graph, `_operator.floordiv`, in an expression of sympy, `FloorDiv`, or in a guard, `//`; null if there is none.
const Function* find_function(std::string_view name);

}  // namespace ftorch::exported
