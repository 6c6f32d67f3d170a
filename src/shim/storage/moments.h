// SPDX-License-Identifier: MIT
// Mean and deviation of rows, kept while they come, after Welford.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "storage/rows.h"
#include "tensor/state_dict.h"

namespace ftorch {

class Moments {
 public:
  Moments() = default;
  explicit Moments(const RowForm& form);

  /// Complex numbers have none.
  bool is_kept() const { return is_kept_; }
  /// Adds rows that lie one after the other; `before` is how many there were.
  void add(const void* rows, int64_t count, int64_t before);

  const std::vector<double>& means() const { return means_; }
  /// With `count` - 1, as `torch.std`.
  std::vector<double> deviations(int64_t count) const;

  void put_into(StateDict& state, const std::string& number) const;
  void load(const StateDict& state, const std::string& number);

 private:
  template <class T>
  void add_numbers(const T* rows, int64_t count, int64_t before);

  at::ScalarType dtype_ = at::kFloat;
  bool is_kept_ = false;
  std::vector<double> means_;
  /// What is to be added to the means, since they are rounded.
  std::vector<double> rests_;
  /// Sums of squared deviations from the mean.
  std::vector<double> squares_;
};

}  // namespace ftorch
