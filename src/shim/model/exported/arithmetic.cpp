// SPDX-License-Identifier: MIT
// The functions of sizes, after Python's: division rounds down, and the result of `/` is real.

#include "model/exported/arithmetic.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"

namespace ftorch::exported {
namespace {

[[noreturn]] void fail_overflow() { fail(ft_model_error, "a size is beyond 64 bits"); }

[[noreturn]] void fail_zero() { fail(ft_model_error, "a size is divided by zero"); }

bool is_real(Numbers x) { return x[0].is_real || x[1].is_real; }

Number add(const Number& a, const Number& b) {
  if (a.is_real || b.is_real) return a.as_real() + b.as_real();
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a.integer, b.integer, &sum)) fail_overflow();
  return sum;
}

Number multiply(const Number& a, const Number& b) {
  if (a.is_real || b.is_real) return a.as_real() * b.as_real();
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a.integer, b.integer, &product)) fail_overflow();
  return product;
}

Number negate(Numbers x, std::size_t) { return multiply(x[0], -1); }

Number subtract(Numbers x, std::size_t) { return add(x[0], negate(x + 1, 1)); }

std::int64_t to_integer(double value) {
  // 2^63 itself is no 64-bit integer; not a number is in no range.
  constexpr double limit = 9223372036854775808.0;
  if (!(value >= -limit && value < limit)) fail_overflow();
  return static_cast<std::int64_t>(value);
}

std::int64_t to_integer(const Number& x) { return x.is_real ? to_integer(x.real) : x.integer; }

std::int64_t divide(std::int64_t a, std::int64_t b) {
  if (b == 0) fail_zero();
  if (b == -1) return to_integer(negate(std::initializer_list<Number>{a}.begin(), 1));
  const std::int64_t quotient = a / b;
  return quotient - (a % b != 0 && (a < 0) != (b < 0));
}

Number floor_divide(Numbers x, std::size_t) {
  if (is_real(x)) {
    if (x[1].as_real() == 0) fail_zero();
    return std::floor(x[0].as_real() / x[1].as_real());
  }
  return divide(x[0].integer, x[1].integer);
}

Number ceil_divide(Numbers x, std::size_t) {
  const std::int64_t a = to_integer(x[0]);
  const std::int64_t b = to_integer(x[1]);
  return divide(a, b) + (b != -1 && a % b != 0);
}

Number modulo(Numbers x, std::size_t) {
  if (is_real(x)) {
    const double b = x[1].as_real();
    if (b == 0) fail_zero();
    const double rest = std::fmod(x[0].as_real(), b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  if (x[1].integer == 0) fail_zero();
  if (x[1].integer == -1) return 0;
  const std::int64_t rest = x[0].integer % x[1].integer;
  return rest != 0 && (rest < 0) != (x[1].integer < 0) ? rest + x[1].integer : rest;
}

Number modular_indexing(Numbers x, std::size_t) {
  const Number parts[] = {floor_divide(x, 2), x[2]};
  return modulo(parts, 2);
}

Number true_divide(Numbers x, std::size_t) {
  if (x[1].as_real() == 0) fail_zero();
  return x[0].as_real() / x[1].as_real();
}

Number power(Numbers x, std::size_t) {
  if (is_real(x) || x[1].integer < 0) return std::pow(x[0].as_real(), x[1].as_real());
  Number result = 1;
  Number base = x[0];
  for (std::int64_t rest = x[1].integer; rest > 0; rest /= 2) {
    if (rest % 2 == 1) result = multiply(result, base);
    if (rest > 1) base = multiply(base, base);
  }
  return result;
}

int compare(Numbers x) {
  if (!is_real(x)) return x[0].integer < x[1].integer ? -1 : x[0].integer > x[1].integer;
  const double a = x[0].as_real();
  const double b = x[1].as_real();
  constexpr int unordered = 2;
  return a < b ? -1 : a > b ? 1 : a == b ? 0 : unordered;
}

template <class F>
Number fold(Numbers x, std::size_t count, F f) {
  Number result = x[0];
  for (std::size_t i = 1; i < count; ++i) result = f(result, x[i]);
  return result;
}

Number shift(Numbers x, bool is_left) {
  const std::int64_t by = to_integer(x[1]);
  if (by < 0 || by > 62) fail_overflow();
  const Number power_of_two = std::int64_t{1} << by;
  return is_left ? multiply(x[0], power_of_two) : Number(divide(to_integer(x[0]), power_of_two.integer));
}

Number largest(Numbers x, std::size_t n) {
  return fold(x, n, [](const Number& a, const Number& b) { return a.as_real() < b.as_real() ? b : a; });
}

Number smallest(Numbers x, std::size_t n) {
  return fold(x, n, [](const Number& a, const Number& b) { return b.as_real() < a.as_real() ? b : a; });
}

Number sum(Numbers x, std::size_t n) { return fold(x, n, add); }
Number product(Numbers x, std::size_t n) { return fold(x, n, multiply); }
Number equal(Numbers x, std::size_t) { return compare(x) == 0; }
Number unequal(Numbers x, std::size_t) { return compare(x) != 0; }
Number less(Numbers x, std::size_t) { return compare(x) == -1; }
Number less_equal(Numbers x, std::size_t) { return compare(x) == -1 || compare(x) == 0; }
Number greater(Numbers x, std::size_t) { return compare(x) == 1; }
Number greater_equal(Numbers x, std::size_t) { return compare(x) == 1 || compare(x) == 0; }
Number both(Numbers x, std::size_t n) {
  return std::all_of(x, x + n, [](const Number& a) { return a.as_truth(); });
}
Number either(Numbers x, std::size_t n) {
  return std::any_of(x, x + n, [](const Number& a) { return a.as_truth(); });
}
Number bit_and(Numbers x, std::size_t) { return to_integer(x[0]) & to_integer(x[1]); }
Number bit_or(Numbers x, std::size_t) { return to_integer(x[0]) | to_integer(x[1]); }
Number invert(Numbers x, std::size_t) { return !x[0].as_truth(); }
Number choose(Numbers x, std::size_t) { return x[0].as_truth() ? x[1] : x[2]; }
Number same(Numbers x, std::size_t) { return x[0]; }
Number truncate(Numbers x, std::size_t) { return x[0].is_real ? Number(to_integer(x[0].real)) : x[0]; }
Number truncate_real(Numbers x, std::size_t) { return std::trunc(x[0].as_real()); }
Number floor(Numbers x, std::size_t) { return x[0].is_real ? Number(to_integer(std::floor(x[0].real))) : x[0]; }
Number ceiling(Numbers x, std::size_t) { return x[0].is_real ? Number(to_integer(std::ceil(x[0].real))) : x[0]; }
// Half goes to the even number, as in Python, which is the rounding that the host has by default.
Number round(Numbers x, std::size_t) { return x[0].is_real ? Number(to_integer(std::nearbyint(x[0].real))) : x[0]; }
Number to_real(Numbers x, std::size_t) { return x[0].as_real(); }
Number root(Numbers x, std::size_t) {
  if (x[0].as_real() < 0) fail(ft_model_error, "the square root of a negative size is taken");
  return std::sqrt(x[0].as_real());
}
Number shift_left(Numbers x, std::size_t) { return shift(x, true); }
Number shift_right(Numbers x, std::size_t) { return shift(x, false); }
Number infinity(Numbers, std::size_t) { return std::numeric_limits<double>::infinity(); }

constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

constexpr Function functions[] = {
    {"_operator.add", 2, 2, sum},
    {"_operator.sub", 2, 2, subtract},
    {"_operator.mul", 2, 2, product},
    {"_operator.floordiv", 2, 2, floor_divide},
    {"_operator.mod", 2, 2, modulo},
    {"_operator.truediv", 2, 2, true_divide},
    {"_operator.pow", 2, 2, power},
    {"_operator.neg", 1, 1, negate},
    {"_operator.pos", 1, 1, same},
    {"_operator.eq", 2, 2, equal},
    {"_operator.ne", 2, 2, unequal},
    {"_operator.lt", 2, 2, less},
    {"_operator.le", 2, 2, less_equal},
    {"_operator.gt", 2, 2, greater},
    {"_operator.ge", 2, 2, greater_equal},
    {"_operator.and_", 2, 2, bit_and},
    {"_operator.or_", 2, 2, bit_or},
    {"_operator.lshift", 2, 2, shift_left},
    {"_operator.rshift", 2, 2, shift_right},
    {"math.trunc", 1, 1, truncate},
    {"math.floor", 1, 1, floor},
    {"math.ceil", 1, 1, ceiling},
    {"math.sqrt", 1, 1, root},
    {"torch.sym_not", 1, 1, invert},
    {"torch.sym_int", 1, 1, truncate},
    {"torch.sym_float", 1, 1, to_real},
    {"torch.sym_ite", 3, 3, choose},
    {"torch.sym_max", 2, 2, largest},
    {"torch.sym_min", 2, 2, smallest},
    {"torch.sym_sqrt", 1, 1, root},
    {"torch._sym_sqrt", 1, 1, root},
    {"torch.sym_sum", 1, any_number, sum},
    {"Add", 1, any_number, sum},
    {"Mul", 1, any_number, product},
    {"Pow", 2, 2, power},
    {"PowByNatural", 2, 2, power},
    {"FloatPow", 2, 2, power},
    {"Max", 1, any_number, largest},
    {"Min", 1, any_number, smallest},
    {"max", 1, any_number, largest},
    {"min", 1, any_number, smallest},
    {"Mod", 2, 2, modulo},
    {"PythonMod", 2, 2, modulo},
    {"ModularIndexing", 3, 3, modular_indexing},
    {"FloorDiv", 2, 2, floor_divide},
    {"CleanDiv", 2, 2, floor_divide},
    {"CeilDiv", 2, 2, ceil_divide},
    {"IntTrueDiv", 2, 2, true_divide},
    {"FloatTrueDiv", 2, 2, true_divide},
    {"Rational", 2, 2, true_divide},
    {"LShift", 2, 2, shift_left},
    {"RShift", 2, 2, shift_right},
    {"Where", 3, 3, choose},
    {"ToFloat", 1, 1, to_real},
    {"TruncToInt", 1, 1, truncate},
    {"TruncToFloat", 1, 1, truncate_real},
    {"FloorToInt", 1, 1, floor},
    {"CeilToInt", 1, 1, ceiling},
    {"RoundToInt", 1, 1, round},
    {"floor", 1, 1, floor},
    {"ceiling", 1, 1, ceiling},
    {"Identity", 1, 1, same},
    {"OpaqueUnaryFn_sqrt", 1, 1, root},
    {"Integer", 1, 1, same},
    {"Float", 1, 1, same},
    {"Equality", 2, 2, equal},
    {"Eq", 2, 2, equal},
    {"Unequality", 2, 2, unequal},
    {"Ne", 2, 2, unequal},
    {"StrictLessThan", 2, 2, less},
    {"LessThan", 2, 2, less_equal},
    {"StrictGreaterThan", 2, 2, greater},
    {"GreaterThan", 2, 2, greater_equal},
    {"And", 1, any_number, both},
    {"Or", 1, any_number, either},
    {"Not", 1, 1, invert},
    {"+", 2, 2, sum},
    {"-", 2, 2, subtract},
    {"*", 2, 2, product},
    {"/", 2, 2, true_divide},
    {"//", 2, 2, floor_divide},
    {"%", 2, 2, modulo},
    {"**", 2, 2, power},
    {"negative", 1, 1, negate},
    {"==", 2, 2, equal},
    {"!=", 2, 2, unequal},
    {"<", 2, 2, less},
    {"<=", 2, 2, less_equal},
    {">", 2, 2, greater},
    {">=", 2, 2, greater_equal},
    {"and", 2, 2, both},
    {"or", 2, 2, either},
    {"not", 1, 1, invert},
    {"&", 2, 2, both},
    {"|", 2, 2, either},
    {"inf", 0, 0, infinity},
    {"oo", 0, 0, infinity},
    {"int_oo", 0, 0, infinity},
};

}  // namespace

Number::Number(const c10::IValue& value) {
  if (value.isBool()) integer = value.toBool();
  else if (value.isInt()) integer = value.toInt();
  else if (value.isDouble()) {
    is_real = true;
    real = value.toDouble();
  } else fail(ft_model_error, "a " + value.tagKind() + " stands where a number is wanted");
}

bool Number::operator==(const Number& other) const {
  const Number both[] = {*this, other};
  return compare(both) == 0;
}

const Function* find_function(std::string_view name) {
  const auto found = std::find_if(std::begin(functions), std::end(functions),
                                  [&](const Function& function) { return function.name == name; });
  return found == std::end(functions) ? nullptr : found;
}

}  // namespace ftorch::exported
