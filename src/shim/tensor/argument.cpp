// SPDX-License-Identifier: MIT
// Numbers of the program as LibTorch takes them.

#include "tensor/argument.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "tensor/convert.h"
#include "tensor/operand.h"

namespace ftorch {
namespace {

std::string told_number(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof(digits), value).ptr};
}

std::string told_number(const c10::Scalar& number) {
  if (number.isBoolean()) return number.toBool() ? ".true." : ".false.";
  if (number.isIntegral(false)) return std::to_string(number.toLong());
  if (!number.isComplex()) return told_number(number.toDouble());
  const c10::complex<double> value = number.toComplexDouble();
  std::string text = told_number(value.real());
  return text.insert(0, 1, '(').append(",").append(told_number(value.imag())).append(")");
}

bool is_whole(double value) {
  constexpr double limit = 9223372036854775808.0;
  return std::trunc(value) == value && value >= -limit && value < limit;
}

/// The largest finite number of a real dtype, or of the parts of a complex one.
double largest(c10::ScalarType dtype) {
  switch (c10::toRealValueType(dtype)) {
    case c10::kHalf: return static_cast<double>(std::numeric_limits<c10::Half>::max());
    case c10::kBFloat16: return static_cast<double>(std::numeric_limits<c10::BFloat16>::max());
    case c10::kFloat: return std::numeric_limits<float>::max();
    default: return std::numeric_limits<double>::max();
  }
}

bool is_within(c10::ScalarType dtype, double value) {
  return !std::isfinite(value) || std::abs(value) <= largest(dtype);
}

bool is_integer_of(c10::ScalarType dtype, const c10::Scalar& number) {
  if (number.isFloatingPoint() && !is_whole(number.toDouble())) return false;
  const int64_t value = number.isFloatingPoint() ? static_cast<int64_t>(number.toDouble()) : number.toLong();
  if (dtype == c10::kBool) return value == 0 || value == 1;
  const auto [least, most] = integer_range(dtype);
  return value >= least && value <= most;
}

bool holds(c10::ScalarType dtype, const c10::Scalar& number) {
  if (number.isComplex()) {
    const c10::complex<double> value = number.toComplexDouble();
    return c10::isComplexType(dtype) && is_within(dtype, value.real()) && is_within(dtype, value.imag());
  }
  if (c10::isFloatingType(dtype) || c10::isComplexType(dtype)) return is_within(dtype, number.toDouble());
  return is_integer_of(dtype, number);
}

}  // namespace

c10::Scalar number_of(const ft_argument& argument, const char* name) {
  switch (argument.kind) {
    case ft_argument_number: return to_at_scalar(&argument.number);
    case ft_argument_complex: return c10::complex<double>(argument.number.real, argument.imaginary);
    case ft_argument_logical: return argument.number.integer != 0;
    default:
      fail(ft_invalid_argument, std::string(name) +
                                    " is no number of a kind that is known: integers of int8 to int64, real32, real64, "
                                    "complex of both, and logicals are");
  }
}

int64_t whole_number_of(const ft_argument& argument, const char* name) {
  const c10::Scalar number = number_of(argument, name);
  const bool is_integer = number.isIntegral(false) || (number.isFloatingPoint() && is_whole(number.toDouble()));
  if (!is_integer)
    fail(ft_invalid_argument, std::string(name) + " is " + told_number(number) + "; it must be an integer");
  return number.isFloatingPoint() ? static_cast<int64_t>(number.toDouble()) : number.toLong();
}

void check_holds(c10::ScalarType dtype, const c10::Scalar& number, const char* name) {
  if (!holds(dtype, number))
    fail(ft_dtype_mismatch,
         std::string(name) + " is " + told_number(number) + ", which the dtype " + dtype_name(dtype) + " cannot hold");
}

}  // namespace ftorch
