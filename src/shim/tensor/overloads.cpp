// SPDX-License-Identifier: MIT
// Operators by name, and the overload that takes given arguments.

#include "tensor/overloads.h"

#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <unordered_map>

#include "core/error.h"
#include "core/similar.h"
#include "tensor/convert.h"
#include "tensor/operator_aliases.h"

namespace ftorch {
namespace {

using torch::jit::Stack;

/// The name with its namespace, and the overload if the text says which.
struct OperatorName {
  std::string name;
  std::optional<std::string> overload;
};

OperatorName parse_name(std::string_view text) {
  const std::size_t space = text.find("::");
  const std::size_t dot = text.find('.', space == text.npos ? 0 : space);
  OperatorName target;
  target.name = (space == text.npos ? "aten::" : "") + std::string(text.substr(0, dot));
  if (dot != text.npos) {
    target.overload = text.substr(dot + 1);
    if (target.overload == "default") target.overload->clear();
  }
  return target;
}

bool writes(const c10::FunctionSchema& schema) {
  return std::any_of(schema.arguments().begin(), schema.arguments().end(), [](const c10::Argument& argument) {
    return argument.alias_info() && argument.alias_info()->isWrite();
  });
}

std::string schema_text(const c10::FunctionSchema& schema) {
  std::ostringstream text;
  text << schema;
  return std::move(text).str();
}

[[noreturn]] void fail_unknown(const std::string& name) {
  const std::string space = name.substr(0, name.find("::") + 2);
  std::vector<std::string> names;
  for (const c10::OperatorName& one : c10::Dispatcher::singleton().getAllOpNames()) {
    if (one.name.starts_with(space)) names.push_back(one.name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  fail(ft_invalid_argument,
       "this LibTorch has no operator '" + name +
           "'; those with similar names: " + most_similar(name, std::move(names)) +
           (space == "aten::" ? "" : "; the library of an extension is loaded with torch_load_library"));
}

/// A text as a device, which must be there.
c10::IValue as_device(const std::string& text) {
  const c10::Device device(text);
  return device_of(device_code(device.type()), device.is_cpu() ? -1 : device.index());
}

/// True for operators that take a tensor for its form, which a number has not.
bool wants_form(const c10::FunctionSchema& schema) {
  return schema.name() == "aten::to" || std::string_view(schema.name()).ends_with("_as");
}

/// The value as an argument; a number serves as a tensor only if `allows_numbers`.
c10::IValue fitted(const c10::IValue& value, const c10::Argument& argument, bool allows_numbers) {
  const c10::TypeKind kind = plain_type(argument).kind();
  if (kind == c10::TypeKind::TensorType && value.isScalar() && !allows_numbers)
    fail(ft_invalid_argument, "a number is given, not a tensor");
  if (kind == c10::TypeKind::DeviceObjType && value.isString()) return as_device(value.toStringRef());
  return as_argument(value, argument);
}

/// What is done for a fit that Python would not do; each is tried only if nothing fits without it.
struct Leniency {
  /// Arguments that Python takes by keyword alone are given by position.
  bool takes_keywords;
  /// Numbers serve as tensors.
  bool takes_numbers;
};

/// Puts arguments for the schema on the stack; what is wrong with them otherwise.
std::string try_overload(const c10::FunctionSchema& schema, const std::vector<c10::IValue>& values, Leniency leniency,
                         Stack& stack) {
  const std::vector<c10::Argument>& arguments = schema.arguments();
  if (values.size() > arguments.size())
    return std::to_string(values.size()) + " arguments are given, not at most " + std::to_string(arguments.size());
  stack.clear();
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string subject = "argument " + std::to_string(i + 1) + ", '" + arguments[i].name() + "', ";
    if (i >= values.size()) {
      if (!arguments[i].default_value()) return subject + "is missing";
      stack.push_back(*arguments[i].default_value());
      continue;
    }
    if (arguments[i].kwarg_only() && !leniency.takes_keywords) return subject + "is a keyword";
    try {
      stack.push_back(fitted(values[i], arguments[i], leniency.takes_numbers && !wants_form(schema)));
    } catch (const Error& error) {
      return subject + "is wrong: " + error.message;
    } catch (const c10::Error& error) {
      return subject + "is wrong: " + error.what_without_backtrace();
    }
  }
  return {};
}

/// Normalisations write running statistics without a word in their schemas.
void check_statistics(const c10::FunctionSchema& schema, const Stack& stack) {
  bool is_training = true;
  for (std::size_t i = 0; i < stack.size(); ++i) {
    if (is_mode_of_statistics(schema.arguments()[i]) && stack[i].isBool()) is_training = stack[i].toBool();
  }
  for (std::size_t i = 0; i < stack.size() && is_training; ++i) {
    if (may_write(schema, i) && stack[i].isTensor())
      fail(ft_invalid_argument, schema_text(schema) + " writes its argument '" + schema.arguments()[i].name() +
                                    "' in training; leave it out, with torch_argument()");
  }
}

}  // namespace

Overloads::Overloads(const std::string& text) {
  const OperatorName target = parse_name(text);
  if (target.name.empty() || reaches_beyond_tensors(target.name))
    fail(ft_invalid_argument,
         "the operator '" + target.name + "' does more than compute with tensors, and is not called");
  std::string written, other;
  for (const auto& found : torch::jit::getAllSortedOperatorsFor(c10::Symbol::fromQualString(target.name))) {
    const c10::FunctionSchema& schema = found->schema();
    const auto boxed = BoxedOperator::find(schema.name(), schema.overload_name());
    if (!boxed) continue;
    other += "\n  " + schema_text(schema);
    if (target.overload && *target.overload != schema.overload_name()) continue;
    if (writes(schema)) written = schema_text(schema);
    else operators_.push_back(*boxed);
  }
  if (!operators_.empty()) return;
  if (!written.empty())
    fail(ft_invalid_argument,
         written + " writes its arguments; call the form that returns its result, without '_' or 'out'");
  if (target.overload && !other.empty())
    fail(ft_invalid_argument,
         "the operator '" + target.name + "' has no overload '" + *target.overload + "'; there are:" + other);
  fail_unknown(target.name);
}

const Overloads& Overloads::find(std::string_view name) {
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  // Never destroyed: other threads may call operators while the program ends.
  static std::mutex& mutex = *new std::mutex;
  static auto& known = *new std::unordered_map<std::string, std::unique_ptr<const Overloads>, Hash, std::equal_to<>>;
  const std::lock_guard lock(mutex);
  if (const auto found = known.find(name); found != known.end()) return *found->second;
  std::unique_ptr<const Overloads> overloads(new Overloads(std::string(name)));
  return *known.emplace(name, std::move(overloads)).first->second;
}

const BoxedOperator& Overloads::match(const std::vector<c10::IValue>& values, Stack& stack) const {
  std::string refusals;
  for (const Leniency leniency : {Leniency{false, false}, {false, true}, {true, false}, {true, true}}) {
    refusals.clear();
    for (const BoxedOperator& one : operators_) {
      const std::string refusal = try_overload(one.schema(), values, leniency, stack);
      if (refusal.empty()) {
        check_statistics(one.schema(), stack);
        return one;
      }
      refusals += "\n  " + schema_text(one.schema()) + ": " + refusal;
    }
  }
  fail(ft_invalid_argument, "the arguments do not fit" + refusals);
}

}  // namespace ftorch
