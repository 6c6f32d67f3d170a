// SPDX-License-Identifier: MIT
// Ranges of numbers that a row of the catalog takes.

#include "training/hyperparameters.h"

#include <cmath>
#include <sstream>

#include "core/error.h"

namespace ftorch {

std::string number_text(double number) {
  std::ostringstream text;
  text << number;
  return std::move(text).str();
}

void check_range(const Hyperparameter& one, double value) {
  if (value >= one.lower_bound && value < one.upper_bound) return;
  const std::string least = std::isinf(one.lower_bound) ? "" : " of at least " + number_text(one.lower_bound);
  const std::string bound = std::isinf(one.upper_bound) ? "" : " and below " + number_text(one.upper_bound);
  fail(ft_invalid_argument,
       std::string(one.name) + " is " + number_text(value) + "; it must be a number" + least + bound);
}

void check_hyperparameters(std::span<const Hyperparameter> row, std::span<const double> values) {
  if (values.size() != row.size())
    fail(ft_invalid_argument,
         std::to_string(values.size()) + " hyperparameters were given, " + std::to_string(row.size()) + " are needed");
  for (std::size_t i = 0; i < values.size(); ++i) check_range(row[i], values[i]);
}

}  // namespace ftorch
