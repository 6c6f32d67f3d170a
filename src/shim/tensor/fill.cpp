// SPDX-License-Identifier: MIT
// Tensors made of numbers: of one, of random ones, of sequences.

#include <ATen/ops/arange.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <cmath>
#include <iterator>

#include "core/guard.h"
#include "tensor/argument.h"
#include "tensor/options.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

/// What is asked for: an array of numbers, checked to be as many as the filling has, and a place.
struct Request {
  at::IntArrayRef shape;
  const ft_argument* numbers;
  at::TensorOptions place;
  c10::ScalarType dtype;

  /// A number that is an element.
  at::Scalar element(int i, const char* name) const {
    const at::Scalar number = number_of(numbers[i], name);
    check_holds(dtype, number, name);
    return number;
  }
};

bool is_real(const Request& request) { return c10::isFloatingType(request.dtype); }

void require_dtype(bool is_right, const Request& request, const char* kinds) {
  if (!is_right) fail(ft_dtype_mismatch, "the dtype is " + dtype_name(request.dtype) + "; it must be " + kinds);
}

void require_real_or_complex(const Request& request) {
  require_dtype(is_real(request) || c10::isComplexType(request.dtype), request, "real or complex");
}

at::Tensor full(const Request& request) { return at::full(request.shape, request.element(0, "value"), request.place); }

at::Tensor uniform(const Request& request) {
  require_real_or_complex(request);
  return at::rand(request.shape, request.place);
}

at::Tensor normal(const Request& request) {
  require_real_or_complex(request);
  return at::randn(request.shape, request.place);
}

at::Tensor integers(const Request& request) {
  require_dtype(!c10::isComplexType(request.dtype), request, "integer, real or logical");
  const int64_t low = whole_number_of(request.numbers[0], "low");
  const int64_t high = whole_number_of(request.numbers[1], "high");
  if (low >= high)
    fail(ft_invalid_argument,
         "low is " + std::to_string(low) + " and high is " + std::to_string(high) + "; low must be less");
  check_holds(request.dtype, low, "low");
  check_holds(request.dtype, high - 1, "the largest number, high - 1,");
  return at::randint(low, high, request.shape, request.place);
}

/// A number of a sequence, which is finite and real.
at::Scalar bound(const Request& request, int i, const char* name) {
  const at::Scalar number = number_of(request.numbers[i], name);
  if (number.isComplex() || !std::isfinite(number.toDouble()))
    fail(ft_invalid_argument, std::string(name) + " must be finite and real");
  if (!is_real(request)) whole_number_of(request.numbers[i], name);
  return number;
}

bool is_less(const at::Scalar& a, const at::Scalar& b) {
  return a.isIntegral(true) && b.isIntegral(true) ? a.toLong() < b.toLong() : a.toDouble() < b.toDouble();
}

/// The distance of two integers, which a signed one may not hold.
std::uint64_t distance(const at::Scalar& from, const at::Scalar& to) {
  const auto first = static_cast<std::uint64_t>(from.to<int64_t>()),
             last = static_cast<std::uint64_t>(to.to<int64_t>());
  return is_less(from, to) ? last - first : first - last;
}

/// The last element of start, start + step, ... before end, which lies in that direction; start if there is none.
at::Scalar last_element(const at::Scalar& start, const at::Scalar& end, const at::Scalar& step) {
  if (start.isIntegral(true) && end.isIntegral(true) && step.isIntegral(true)) {
    const std::uint64_t span = distance(start, end);
    if (span == 0) return start;
    const std::uint64_t steps = (span - 1) / distance(0, step);
    return static_cast<int64_t>(static_cast<std::uint64_t>(start.toLong()) +
                                steps * static_cast<std::uint64_t>(step.toLong()));
  }
  const double count = std::ceil((end.toDouble() - start.toDouble()) / step.toDouble());
  return count < 1 ? start : at::Scalar(start.toDouble() + (count - 1) * step.toDouble());
}

at::Tensor arange(const Request& request) {
  require_dtype(!c10::isComplexType(request.dtype) && request.dtype != at::kBool, request, "integer or real");
  const at::Scalar start = bound(request, 0, "start"), end = bound(request, 1, "end"), step = bound(request, 2, "step");
  const double by = step.toDouble();
  if (by == 0) fail(ft_invalid_argument, "step is 0");
  if (by > 0 ? is_less(end, start) : is_less(start, end))
    fail(ft_invalid_argument, std::string("start lies ") + (by > 0 ? "above" : "below") + " end, but step is " +
                                  (by > 0 ? "positive" : "negative"));
  check_holds(request.dtype, start, "start");
  check_holds(request.dtype, last_element(start, end, step), "the last element");
  return at::arange(start, end, step, request.place);
}

at::Tensor linspace(const Request& request) {
  require_dtype(request.dtype != at::kBool && !c10::isComplexType(request.dtype), request, "integer or real");
  const at::Scalar start = bound(request, 0, "start"), end = bound(request, 1, "end");
  const int64_t steps = whole_number_of(request.numbers[2], "steps");
  if (steps < 0) fail(ft_invalid_argument, "steps is " + std::to_string(steps) + "; it must not be negative");
  check_holds(request.dtype, start, "start");
  check_holds(request.dtype, end, "end");
  if (!is_real(request) && steps > 1 && distance(start, end) % static_cast<std::uint64_t>(steps - 1) != 0)
    fail(ft_dtype_mismatch, "the numbers are not whole, and the dtype is " + dtype_name(request.dtype));
  return at::linspace(start, end, steps, request.place);
}

at::Tensor eye(const Request& request) {
  const int64_t rows = whole_number_of(request.numbers[0], "n"), columns = whole_number_of(request.numbers[1], "m");
  const int64_t shape[] = {rows, columns};
  shape_of(2, shape, 2, request.dtype);
  return at::eye(rows, columns, request.place);
}

struct Filling {
  at::Tensor (*make)(const Request&);
  int64_t numbers;
};

constexpr Filling fillings[] = {{full, 1},   {uniform, 0},  {normal, 0}, {integers, 2},
                                {arange, 3}, {linspace, 3}, {eye, 2}};

}  // namespace

int ft_tensor_fill(int filling, int ndims, const int64_t* shape, int64_t shape_size, const ft_argument* numbers,
                   int64_t numbers_size, const ft_options* options, ft_handle* out) {
  return guard(ft_invalid_argument, [&] {
    required(out, "out");
    if (filling < 0 || filling >= static_cast<int>(std::size(fillings)))
      fail(ft_invalid_argument, "filling " + std::to_string(filling) + " is none of 0 to 6");
    if (numbers_size != fillings[filling].numbers)
      fail(ft_invalid_argument,
           std::to_string(numbers_size) + " numbers are given, not " + std::to_string(fillings[filling].numbers));
    if (numbers_size > 0) required(numbers, "numbers");
    const TensorSpec spec = parse_options(options);
    const at::IntArrayRef sizes = shape_of(ndims, shape, shape_size, spec.dtype);
    Tensor object;
    object.value = fillings[filling].make(
        {sizes, numbers, at::TensorOptions(spec.dtype).device(spec.device), spec.dtype});
    object.value.set_requires_grad(spec.requires_grad);
    object.has_fixed_spec = true;
    *out = new_tensor(std::move(object));
  });
}
