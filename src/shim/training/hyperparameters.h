// SPDX-License-Identifier: MIT
// Numbers that a row of the catalog takes: names, ranges, texts to choose from.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ftorch {

/// A number, a logical as 0 and 1, or the index of a text among `choices`.
struct Hyperparameter {
  const char* name;
  /// Exclusive; numbers of an optimizer are at least 0.
  double upper_bound = std::numeric_limits<double>::infinity();
  double lower_bound = 0;
};

std::string number_text(double number);

/// Fails for a number of values that is not that of the row, and for one out of its range.
void check_hyperparameters(std::span<const Hyperparameter> row, std::span<const double> values);
void check_range(const Hyperparameter& one, double value);

}  // namespace ftorch
