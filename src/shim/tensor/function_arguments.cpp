// SPDX-License-Identifier: MIT
// What a caller gave to a function: its arguments by their places in the row, checked, with dimensions from 0.

#include "tensor/function_arguments.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/tensor.h>

#include <numeric>
#include <string>

#include "core/error.h"
#include "core/text.h"
#include "tensor/convert.h"
#include "tensor/operand.h"
#include "tensor/tensor.h"

namespace ftorch {

std::vector<int64_t> OptionalDim::or_all(int64_t rank) const {
  if (dim_) return {*dim_};
  std::vector<int64_t> all(static_cast<std::size_t>(rank));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

FunctionArguments::FunctionArguments(const char* const* names, std::size_t count, const ft_argument* arguments,
                                     int64_t size)
    : names_(names), arguments_(arguments), count_(count), places_(count) {
  if (size != static_cast<int64_t>(count))
    fail(ft_invalid_argument, std::to_string(size) + " arguments are given; the function has " + std::to_string(count));
  take_tensors();
}

/// Calls f(tensor, place) for each tensor that is given.
template <class F>
void FunctionArguments::for_each_given_tensor(const F& f) {
  for (std::size_t place = 0; place < count_; ++place) {
    const ft_argument& argument = given(place);
    if (argument.kind == ft_argument_tensor)
      f(ftorch::tensor(const_cast<ft_handle>(argument.data), names_[place]), place);
    if (argument.kind == ft_argument_tensors)
      for_each_tensor(names_[place], static_cast<const ft_handle*>(argument.data), argument.size,
                      [&](Tensor& one, std::size_t) { f(one, place); });
  }
}

void FunctionArguments::take_tensors() {
  bool is_recorded = false;
  if (at::GradMode::is_enabled())
    for_each_given_tensor([&](Tensor& one, std::size_t) { is_recorded |= one.value.requires_grad(); });
  for_each_given_tensor([&](Tensor& one, std::size_t place) {
    if (places_[place].count++ == 0) places_[place].first = values_.size();
    values_.push_back(operands_.add_if(is_recorded, one));
  });
}

const ft_argument& FunctionArguments::of_kind(std::size_t place, int kind) const {
  const ft_argument& argument = given(place);
  if (argument.kind == kind) return argument;
  if (argument.kind == ft_argument_none) fail(ft_invalid_argument, name(place) + " is missing");
  fail(ft_invalid_argument, name(place) + " is of another kind than the function takes");
}

const at::Tensor& FunctionArguments::tensor(std::size_t place) const {
  of_kind(place, ft_argument_tensor);
  return values_[places_[place].first];
}

at::Tensor FunctionArguments::operand(std::size_t place, std::size_t other) const {
  if (given(place).kind == ft_argument_tensor) return tensor(place);
  const ft_scalar& number = of_kind(place, ft_argument_number).number;
  check_number(number, tensor(other));
  return scalar_operand(to_at_scalar(&number), tensor(other));
}

at::TensorList FunctionArguments::tensors(std::size_t place) const {
  if (of_kind(place, ft_argument_tensors).size == 0) fail(ft_invalid_argument, name(place) + " holds no tensor");
  return at::TensorList(values_.data() + places_[place].first, places_[place].count);
}

int64_t FunctionArguments::dim(std::size_t place, int64_t rank) const {
  const int64_t dim = integer(place);
  if (dim >= 1 && dim <= rank) return dim - 1;
  const std::string expected = rank == 0 ? std::string("a number has no dimension")
                                         : "dimensions count from 1, and here to " + std::to_string(rank);
  fail(ft_invalid_argument, name(place) + " is " + std::to_string(dim) + "; " + expected);
}

OptionalDim FunctionArguments::optional_dim(std::size_t place, int64_t rank) const {
  return is_given(place) ? OptionalDim(dim(place, rank)) : OptionalDim();
}

int64_t FunctionArguments::integer(std::size_t place) const {
  return of_kind(place, ft_argument_number).number.integer;
}

at::IntArrayRef FunctionArguments::integers(std::size_t place) const {
  const ft_argument& argument = of_kind(place, ft_argument_integers);
  return {static_cast<const int64_t*>(argument.data), static_cast<std::size_t>(argument.size)};
}

at::Tensor FunctionArguments::indices(std::size_t place) const {
  return given(place).kind == ft_argument_integers ? at::tensor(integers(place), at::kLong) : tensor(place);
}

std::optional<at::Scalar> FunctionArguments::optional_number(std::size_t place) const {
  if (!is_given(place)) return {};
  const ft_scalar& number = of_kind(place, ft_argument_number).number;
  const Context context(names_[place]);
  if (!values_.empty()) check_number(number, values_.front());
  return to_at_scalar(&number);
}

at::Scalar FunctionArguments::number(std::size_t place, const at::Scalar& otherwise) const {
  return optional_number(place).value_or(otherwise);
}

bool FunctionArguments::flag(std::size_t place) const {
  return is_given(place) && of_kind(place, ft_argument_logical).number.integer != 0;
}

std::string_view FunctionArguments::text(std::size_t place) const {
  const ft_argument& argument = of_kind(place, ft_argument_text);
  return {static_cast<const char*>(argument.data), static_cast<std::size_t>(argument.size)};
}

at::ScalarType FunctionArguments::dtype(std::size_t place) const {
  return dtype_of(static_cast<int>(of_kind(place, ft_argument_dtype).number.integer));
}

at::Tensor FunctionArguments::own(at::Tensor result) const {
  for (const at::Tensor& value : values_)
    if (shares_storage(result, value)) return result.clone();
  return result;
}

void FunctionArguments::keep_apart() noexcept {
  values_.clear();
  operands_.keep_apart();
}

}  // namespace ftorch
