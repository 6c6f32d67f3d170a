// SPDX-License-Identifier: MIT
// Welford's algorithm for rows of numbers, with means of twice the precision: of many numbers, each moves the mean by less than a
// rounding error.

#include "storage/moments.h"

#include <ATen/ops/from_blob.h>

#include <cmath>

namespace ftorch {

Moments::Moments(const RowForm& form) : dtype_(form.dtype), is_kept_(!c10::isComplexType(form.dtype)) {
  if (!is_kept_) return;
  means_.assign(static_cast<std::size_t>(form.elements()), 0.0);
  squares_ = rests_ = means_;
}

template <class T>
void Moments::add_numbers(const T* rows, int64_t count, int64_t before) {
  const std::size_t size = means_.size();
  double* const means = means_.data();
  double* const rests = rests_.data();
  double* const squares = squares_.data();
  for (int64_t row = 0; row < count; ++row, rows += size) {
    const double weight = 1.0 / static_cast<double>(before + row + 1);
    for (std::size_t i = 0; i < size; ++i) {
      const double value = static_cast<double>(rows[i]);
      const double difference = value - means[i] - rests[i];
      const double step = difference * weight + rests[i];
      const double mean = means[i] + step;
      // What the sum lost.
      rests[i] = step - (mean - means[i]);
      means[i] = mean;
      squares[i] += difference * (value - mean - rests[i]);
    }
  }
}

void Moments::add(const void* rows, int64_t count, int64_t before) {
  if (!is_kept_ || count == 0) return;
  if (dtype_ == at::kFloat) return add_numbers(static_cast<const float*>(rows), count, before);
  if (dtype_ == at::kDouble) return add_numbers(static_cast<const double*>(rows), count, before);
  const int64_t size = count * static_cast<int64_t>(means_.size());
  const at::Tensor numbers = at::from_blob(const_cast<void*>(rows), {size}, dtype_).to(at::kDouble);
  add_numbers(numbers.const_data_ptr<double>(), count, before);
}

std::vector<double> Moments::deviations(int64_t count) const {
  std::vector<double> result;
  for (const double square : squares_) result.push_back(std::sqrt(square / static_cast<double>(count - 1)));
  return result;
}

void Moments::put_into(StateDict& state, const std::string& number) const {
  if (!is_kept_) return;
  state.put("means." + number, means_);
  state.put("rests." + number, rests_);
  state.put("squares." + number, squares_);
}

void Moments::load(const StateDict& state, const std::string& number) {
  if (!is_kept_) return;
  means_ = state.get<std::vector<double>>("means." + number);
  rests_ = state.get<std::vector<double>>("rests." + number);
  squares_ = state.get<std::vector<double>>("squares." + number);
}

}  // namespace ftorch
