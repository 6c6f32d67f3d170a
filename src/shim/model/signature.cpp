// SPDX-License-Identifier: MIT
// What a TorchScript program takes and returns.

#include "model/signature.h"

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/jit_type.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "model/argument_names.h"
#include "tensor/convert.h"
#include "tensor/plain.h"

namespace ftorch {
namespace {

using Keys = std::vector<std::string>;

/// The type that an optional value has if it is there.
const c10::Type& present(const c10::Type& type) {
  const auto* const optional = type.castRaw<c10::OptionalType>();
  return optional ? *optional->getElementType() : type;
}

bool is_tensor(const c10::Type& type) { return c10::TensorType::get()->isSubtypeOf(type); }

/// How many tensors stand for a value of a type; none for a list.
std::optional<std::size_t> count_of(const c10::Type& given, const Keys& keys) {
  const c10::Type& type = present(given);
  if (type.kind() == c10::TypeKind::ListType) return {};
  if (const auto* const dict = type.castRaw<c10::DictType>()) {
    const auto each = count_of(*dict->getValueType(), {});
    return each ? std::optional(*each * keys.size()) : std::nullopt;
  }
  const auto* const tuple = type.castRaw<c10::TupleType>();
  if (!tuple) return 1;
  std::size_t count = 0;
  for (const c10::TypePtr& element : tuple->elements()) {
    const auto more = count_of(*element, {});
    if (!more) return {};
    count += *more;
  }
  return count;
}

/// Texts by which a program reads a dict, in the order of the program; false if it uses the dict in another way.
bool find_keys(const torch::jit::Block& block, const torch::jit::Value* dict, Keys& keys) {
  for (const torch::jit::Node* node : block.nodes()) {
    for (const torch::jit::Block* inner : node->blocks()) {
      if (!find_keys(*inner, dict, keys)) return false;
    }
    const auto& inputs = node->inputs();
    if (std::find(inputs.begin(), inputs.end(), dict) == inputs.end()) continue;
    if (node->kind() != c10::Symbol::aten("__getitem__") || inputs[0] != dict) return false;
    const auto key = torch::jit::toIValue(inputs[1]);
    if (!key || !key->isString()) return false;
    if (std::find(keys.begin(), keys.end(), key->toStringRef()) == keys.end()) keys.push_back(key->toStringRef());
  }
  return true;
}

Keys keys_of(const c10::Type& type, const torch::jit::Graph& program, std::size_t input) {
  Keys keys;
  if (present(type).kind() != c10::TypeKind::DictType || input >= program.inputs().size()) return keys;
  if (!find_keys(*program.block(), program.inputs()[input], keys)) keys.clear();
  return keys;
}

void add_names(const std::string& name, const c10::Type& given, const Keys& keys, std::vector<std::string>& names) {
  const c10::Type& type = present(given);
  if (const auto* const tuple = type.castRaw<c10::TupleType>()) {
    for (std::size_t i = 0; i < tuple->elements().size(); ++i)
      add_names(name + "_" + std::to_string(i), *tuple->elements()[i], {}, names);
  } else if (const auto* const dict = type.castRaw<c10::DictType>()) {
    for (const std::string& key : keys) add_names(name + "_" + key, *dict->getValueType(), {}, names);
  } else {
    names.push_back(name);
  }
}

/// Makes arguments of tensors, one after the other.
class Builder {
 public:
  explicit Builder(at::TensorList inputs) : inputs_(inputs) {}

  c10::IValue build(const std::string& name, const c10::Type& given, const Keys& keys, std::size_t list_size) {
    const c10::Type& type = present(given);
    if (is_tensor(given)) return inputs_[position_++];
    if (const auto* const tuple = type.castRaw<c10::TupleType>()) return build_tuple(name, *tuple);
    if (const auto* const list = type.castRaw<c10::ListType>()) return build_list(name, *list, list_size);
    if (const auto* const dict = type.castRaw<c10::DictType>()) return build_dict(name, *dict, keys);
    return build_number(name, type);
  }

 private:
  c10::IValue build_tuple(const std::string& name, const c10::TupleType& type) {
    std::vector<c10::IValue> elements;
    for (const c10::TypePtr& element : type.elements()) elements.push_back(build(name, *element, {}, 0));
    if (!type.schema()) return c10::ivalue::Tuple::create(std::move(elements));
    const auto named = std::const_pointer_cast<c10::TupleType>(type.cast<c10::TupleType>());
    return c10::ivalue::Tuple::createNamed(std::move(elements), named);
  }

  c10::IValue build_list(const std::string& name, const c10::ListType& type, std::size_t size) {
    c10::impl::GenericList list(type.getElementType());
    for (std::size_t i = 0; i < size; ++i) list.push_back(build(name, *type.getElementType(), {}, 0));
    return list;
  }

  c10::IValue build_dict(const std::string& name, const c10::DictType& type, const Keys& keys) {
    if (keys.empty() || type.getKeyType()->kind() != c10::TypeKind::StringType)
      fail(ft_invalid_argument, std::string(argument_names.inputs) + ": the model's argument, " + name +
                                    ", is of type " + type.annotation_str() + ", whose keys the program does not name");
    c10::impl::GenericDict dict(type.getKeyType(), type.getValueType());
    for (const std::string& key : keys) dict.insert(key, build(name + "['" + key + "']", *type.getValueType(), {}, 0));
    return dict;
  }

  c10::IValue build_number(const std::string& name, const c10::Type& type) {
    const at::Tensor& input = inputs_[position_];
    Context context(argument_names.inputs, static_cast<std::int64_t>(position_++));
    const c10::ScalarType dtype = input.scalar_type();
    const bool is_integer = c10::isIntegralType(dtype, false);
    const bool is_real = is_integer || c10::isFloatingType(dtype);
    bool fits = false;
    switch (type.kind()) {
      case c10::TypeKind::FloatType: fits = is_real; break;
      case c10::TypeKind::IntType: fits = is_integer; break;
      case c10::TypeKind::BoolType: fits = dtype == at::kBool; break;
      case c10::TypeKind::NumberType: fits = is_real || dtype == at::kBool; break;
      default: fail(ft_invalid_argument, about(name, type) + ", which no tensor stands for");
    }
    if (input.dim() != 0)
      fail(ft_shape_mismatch,
           about(name, type) + ": a tensor without dimensions stands for it; got " + form_text(input));
    if (!fits) fail(ft_dtype_mismatch, about(name, type) + "; got " + form_text(input));
    if (input.requires_grad() && at::GradMode::is_enabled())
      fail(ft_autograd_error, about(name, type) + ", through which no gradient goes");
    if (type.kind() == c10::TypeKind::FloatType) return input.item().toDouble();
    return input.item();
  }

  static std::string about(const std::string& name, const c10::Type& type) {
    return "the model's argument, " + name + ", is of type " + type.annotation_str();
  }

  at::TensorList inputs_;
  std::size_t position_ = 0;
};

void flatten(const c10::IValue& value, PassTensors& tensors) {
  if (value.isTensor()) {
    Context context("result", static_cast<std::int64_t>(tensors.size()));
    check_plain(value.toTensor());
    tensors.push_back(value.toTensor());
  } else if (value.isTuple()) {
    for (const c10::IValue& element : value.toTupleRef().elements()) flatten(element, tensors);
  } else if (value.isList()) {
    for (const c10::IValue& element : value.toListRef()) flatten(element, tensors);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) flatten(entry.value(), tensors);
  } else if (value.isDouble()) {
    tensors.push_back(at::scalar_tensor(value.toDouble(), at::kDouble));
  } else if (value.isInt()) {
    tensors.push_back(at::scalar_tensor(value.toInt(), at::kLong));
  } else if (value.isBool()) {
    tensors.push_back(at::scalar_tensor(value.toBool(), at::kBool));
  } else if (!value.isNone()) {
    fail(ft_invalid_argument, "the model returns a value of type " + value.type()->annotation_str() +
                                  "; only tensors and numbers, and tuples, lists and dicts of them, can be taken");
  }
}

/// How many tensors are in a result of a type, if the type says so.
std::optional<std::size_t> result_count_of(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::NoneType: return 0;
    case c10::TypeKind::TensorType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::IntType:
    case c10::TypeKind::BoolType: return 1;
    case c10::TypeKind::TupleType: break;
    default: return {};
  }
  std::size_t count = 0;
  for (const c10::TypePtr& element : type.expectRef<c10::TupleType>().elements()) {
    const auto more = result_count_of(*element);
    if (!more) return {};
    count += *more;
  }
  return count;
}

std::vector<std::string> names_of_results(const c10::FunctionSchema& schema, std::optional<std::size_t> count) {
  std::vector<std::string> names(count.value_or(1));
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = "output_" + std::to_string(i + 1);
  const auto tuple = schema.returns().empty() ? nullptr : schema.returns()[0].type()->cast<c10::TupleType>();
  if (!tuple || !tuple->schema() || tuple->elements().size() != names.size()) return names;
  const auto& fields = tuple->schema()->arguments();
  std::transform(fields.begin(), fields.end(), names.begin(), [](const c10::Argument& field) { return field.name(); });
  return names;
}

std::string names_text(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return "(" + list + ")";
}

}  // namespace

Signature::Signature(const c10::FunctionSchema& schema, const torch::jit::Graph& program) {
  if (schema.returns().size() == 1) result_count_ = result_count_of(*schema.returns()[0].type());
  output_names_ = names_of_results(schema, result_count_);
  for (std::size_t i = 1; i < schema.arguments().size(); ++i) {
    const c10::Argument& one = schema.arguments()[i];
    Keys keys = keys_of(*one.type(), program, i);
    const auto count = count_of(*one.type(), keys);
    if (!one.default_value()) ++required_;
    takes_tensors_alone_ = takes_tensors_alone_ && is_tensor(*one.type());
    has_list_ = has_list_ || !count;
    most_ += count.value_or(0);
    arguments_.push_back({one, std::move(keys), count});
  }
}

void Signature::push(at::TensorList inputs, std::vector<c10::IValue>& stack) const {
  if (takes_tensors_alone_) [[likely]]
    return push_tensors(inputs, stack);
  const std::size_t count = inputs.size();
  const std::size_t list = has_list_ ? list_size(count) : 0;
  if (!has_list_ && count > most_) fail_count(count);
  Builder builder(inputs);
  std::size_t used = 0;
  for (std::size_t i = 0; i < arguments_.size(); ++i) {
    const Argument& one = arguments_[i];
    const std::size_t needed = one.count.value_or(list);
    const bool is_left_out = !has_list_ && used == count && one.schema.default_value();
    if (is_left_out) {
      stack.push_back(*one.schema.default_value());
      continue;
    }
    if (used + needed > count) fail_count(count);
    used += needed;
    stack.push_back(builder.build(one.schema.name(), *one.schema.type(), one.keys, list));
  }
  if (used != count) fail_count(count);
}

void Signature::push_tensors(at::TensorList inputs, std::vector<c10::IValue>& stack) const {
  const std::size_t count = inputs.size();
  if (count < required_ || count > arguments_.size()) [[unlikely]]
    fail_count(count);
  for (const at::Tensor& input : inputs) stack.emplace_back(input);
  for (std::size_t i = count; i < arguments_.size(); ++i) stack.push_back(*arguments_[i].schema.default_value());
}

/// How many tensors are left for the list, which must be the only one.
std::size_t Signature::list_size(std::size_t count) const {
  std::size_t others = 0;
  bool has_found = false;
  for (const Argument& one : arguments_) {
    const bool is_list = present(*one.schema.type()).kind() == c10::TypeKind::ListType;
    if (!one.count && (!is_list || has_found))
      fail(ft_invalid_argument, std::string(argument_names.inputs) + ": the model's argument, " + one.schema.name() +
                                    ", is of type " + one.schema.type()->annotation_str() +
                                    ", of which no number of tensors is known");
    has_found = has_found || !one.count;
    others += one.count.value_or(0);
  }
  if (others > count) fail_count(count);
  return count - others;
}

std::vector<std::string> Signature::input_names() const {
  std::vector<std::string> names;
  for (const Argument& one : arguments_) add_names(one.schema.name(), *one.schema.type(), one.keys, names);
  return names;
}

void Signature::fail_count(std::size_t count) const {
  std::size_t least = 0;
  for (std::size_t i = 0; i < required_; ++i) least += arguments_[i].count.value_or(0);
  std::string range = std::to_string(least);
  if (has_list_) range = std::to_string(most_) + " or more";
  else if (least != most_) range += " to " + std::to_string(most_);
  fail(ft_invalid_argument, std::string(argument_names.inputs) + ": the model takes " + range +
                                (range == "1" ? " input " : " inputs ") + names_text(input_names()) + "; " +
                                std::to_string(count) + (count == 1 ? " was given" : " were given"));
}

void flatten_result(c10::IValue&& result, PassTensors& tensors) {
  if (!result.isTensor()) return flatten(result, tensors);
  check_plain(result.toTensor());
  tensors.push_back(std::move(result).toTensor());
}

}  // namespace ftorch
