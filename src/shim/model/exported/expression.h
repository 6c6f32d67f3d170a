// SPDX-License-Identifier: MIT
// Sizes and conditions that an archive has as texts: expressions of sympy, and conditions in Python.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/exported/arithmetic.h"

namespace ftorch::exported {

class Expression {
 public:
  /// The number of a variable: of the symbol `s0`, or of what a guard names, `L['x'].size()[0]`.
  using Variables = std::function<std::optional<std::uint32_t>(std::string_view name)>;

  /// Fails for what it does not know.
  Expression(std::string_view text, const Variables& variables);

  Number evaluate(Numbers variables) const { return evaluate(root_, variables); }
  /// The variable that it is, if it is nothing else.
  std::optional<std::uint32_t> variable() const;

 private:
  friend class ExpressionParser;
  struct Node {
    /// Null for a constant or a variable.
    const Function* function;
    Number constant;
    std::int64_t variable = -1;
    std::vector<std::uint32_t> arguments;
  };

  Number evaluate(std::uint32_t node, Numbers variables) const;

  std::vector<Node> nodes_;
  std::uint32_t root_ = 0;
};

}  // namespace ftorch::exported
