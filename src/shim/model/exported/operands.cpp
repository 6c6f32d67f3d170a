// SPDX-License-Identifier: MIT
// What steps are given: constants boxed once, values of the graph, and lists of both.

#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
#include "model/exported/planner.h"

namespace ftorch::exported {
namespace {

using Kind = Argument::Kind;

/// Operators that compute in the dtype of their tensor whether a number is one of Python's or a tensor of that dtype.
bool keeps_dtype(const std::string& name) {
  constexpr std::string_view names[] = {"aten::add",  "aten::sub",  "aten::mul",  "aten::div",
                                        "aten::add_", "aten::sub_", "aten::mul_", "aten::div_"};
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

}  // namespace

c10::IValue Planner::boxed(const Argument& argument) const {
  switch (argument.kind) {
    case Kind::none: return {};
    case Kind::truth: return argument.integer != 0;
    case Kind::integer:
    case Kind::scalar_type:
    case Kind::layout:
    case Kind::memory_format: return argument.integer;
    case Kind::real: return argument.real.real();
    case Kind::complex: return c10::complex<double>(argument.real.real(), argument.real.imag());
    case Kind::text: return argument.text;
    case Kind::device: return move_(argument.device);
    default: break;
  }
  fail(ft_model_error, "what is given is no constant");
}

std::optional<c10::IValue> Planner::boxed_if_constant(const Scope& scope, const Argument& argument) const {
  if (argument.is_value()) {
    const Value& found = value(scope, argument.text);
    return found.constant ? std::optional(*found.constant) : std::nullopt;
  }
  if (argument.kind != Kind::list) return boxed(argument);
  c10::List<c10::IValue> list(c10::AnyType::get());
  for (const Argument& item : argument.items) {
    const auto element = boxed_if_constant(scope, item);
    if (!element) return {};
    list.push_back(*element);
  }
  return list;
}

Operand Planner::operand(const Scope& scope, const Argument& argument) {
  Operand operand;
  if (argument.is_value()) {
    const Value& found = value(scope, argument.text);
    operand.constant = found.constant;
    if (found.constant) return operand;
    operand.kind = Operand::Kind::value;
    operand.slot = static_cast<std::uint32_t>(found.slot);
  } else {
    operand.constant = &constant(boxed(argument));
  }
  return operand;
}

Operand Planner::operand(const Scope& scope, const Argument& argument, const c10::Argument& formal) {
  if (const auto known = boxed_if_constant(scope, argument)) {
    Operand operand;
    operand.constant = &constant(as_argument(*known, formal));
    return operand;
  }
  const c10::TypeKind type = plain_type(formal).kind();
  if (argument.kind == Kind::list) {
    Operand list;
    list.kind = Operand::Kind::list;
    list.argument = &formal;
    for (const Argument& item : argument.items) list.elements.push_back(operand(scope, item));
    return list;
  }
  Operand single = operand(scope, argument);
  const bool is_tensor = argument.kind == Kind::tensor;
  if (is_tensor && type != c10::TypeKind::TensorType)
    fail(ft_model_error, "a tensor, '" + argument.text + "', is given, not " + plain_type(formal).annotation_str());
  const bool is_number_as_it_is = type == c10::TypeKind::IntType || type == c10::TypeKind::SymIntType ||
                                  type == c10::TypeKind::NumberType || type == c10::TypeKind::BoolType ||
                                  type == c10::TypeKind::SymBoolType;
  if (!is_tensor && (is_choice(formal) || !is_number_as_it_is)) single.argument = &formal;
  return single;
}

std::optional<c10::IValue> Planner::same_dtype(const Scope& scope, const Node& node, const c10::FunctionSchema& schema,
                                               const c10::Argument& formal, const Argument& argument) const {
  const bool is_number = argument.kind == Kind::real || argument.kind == Kind::integer;
  if (!is_number || formal.name() != "other" || !keeps_dtype(schema.name()) ||
      plain_type(formal).kind() != c10::TypeKind::TensorType)
    return {};
  const auto form = [&](const Argument& of) -> const TensorForm* {
    const auto found = scope.graph.tensors.find(of.text);
    return of.kind == Kind::tensor && found != scope.graph.tensors.end() ? &found->second : nullptr;
  };
  if (node.inputs.empty() || node.inputs[0].name != "self" || node.outputs.size() != 1) return {};
  const TensorForm* const self = form(node.inputs[0].argument);
  const TensorForm* const result = form(node.outputs[0]);
  const bool is_same = self && result && self->dtype == result->dtype &&
                       (self->dtype == at::kFloat || self->dtype == at::kDouble);
  if (!is_same) return {};
  const double number = argument.kind == Kind::real ? argument.real.real() : static_cast<double>(argument.integer);
  // LibTorch makes no tensor of what a dtype cannot hold; as a number of Python it is infinite.
  const bool is_too_large = std::isfinite(number) && std::abs(number) > std::numeric_limits<float>::max();
  if (self->dtype == at::kFloat && is_too_large) return {};
  return at::scalar_tensor(number, at::TensorOptions(self->dtype));
}

}  // namespace ftorch::exported
