// SPDX-License-Identifier: MIT
// Values as LibTorch's operators want them.

#include "tensor/boxed.h"

#include <ATen/ScalarOps.h>

#include "core/error.h"

namespace ftorch {
namespace {

using c10::TypeKind;

[[noreturn]] void fail_type(const c10::IValue& value, const c10::Type& type) {
  fail(ft_model_error, "a value of type " + value.tagKind() + " is given, not " + type.annotation_str());
}

bool is_number(const c10::IValue& value) { return value.isScalar(); }

/// A number as Python hands it to an operator that wants a tensor: it does not raise the dtype of the result.
c10::IValue as_tensor(const c10::IValue& value) {
  at::Tensor tensor = c10::scalar_to_tensor(value.toScalar());
  tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
  return tensor;
}

const c10::Type& element_of(const c10::Type& optional) {
  return *optional.expectRef<c10::OptionalType>().getElementType();
}

c10::IValue as_list(const c10::IValue& value, const c10::Type& type, const c10::Type& element,
                    std::optional<int32_t> length);

c10::IValue as_type(const c10::IValue& value, const c10::Type& type, std::optional<int32_t> length) {
  switch (type.kind()) {
    case TypeKind::OptionalType: return value.isNone() ? value : as_type(value, element_of(type), length);
    case TypeKind::TensorType:
      if (value.isTensor()) return value;
      if (is_number(value)) return as_tensor(value);
      break;
    case TypeKind::NumberType:
      if (is_number(value)) return value;
      break;
    case TypeKind::IntType:
    case TypeKind::SymIntType:
    case TypeKind::ScalarTypeType:
    case TypeKind::LayoutType:
    case TypeKind::MemoryFormatType:
      if (value.isInt()) return value;
      if (value.isBool()) return static_cast<std::int64_t>(value.toBool());
      break;
    case TypeKind::FloatType:
    case TypeKind::SymFloatType:
      if (value.isDouble()) return value;
      if (value.isInt()) return static_cast<double>(value.toInt());
      break;
    case TypeKind::BoolType:
    case TypeKind::SymBoolType:
      if (value.isBool()) return value;
      break;
    case TypeKind::StringType:
      if (value.isString()) return value;
      break;
    case TypeKind::DeviceObjType:
      if (value.isDevice()) return value;
      break;
    case TypeKind::ListType: return as_list(value, type, *type.containedTypes()[0], length);
    default: break;
  }
  fail_type(value, type);
}

template <class T, class F>
c10::IValue list_of(const c10::IValue& value, const c10::Type& element, const F& get) {
  c10::List<T> list;
  list.reserve(value.toListRef().size());
  for (const c10::IValue& one : value.toListRef()) list.push_back(get(as_type(one, element, {})));
  return list;
}

c10::IValue as_list(const c10::IValue& value, const c10::Type& type, const c10::Type& element,
                    std::optional<int32_t> length) {
  if (!value.isList()) {
    // `stride=1` for two dimensions.
    if (!length) fail_type(value, type);
    c10::List<c10::IValue> repeated(c10::AnyType::get());
    for (int32_t i = 0; i < *length; ++i) repeated.push_back(value);
    return as_list(repeated, type, element, length);
  }
  using Value = const c10::IValue&;
  switch (element.kind()) {
    case TypeKind::IntType:
    case TypeKind::SymIntType: return list_of<std::int64_t>(value, element, [](Value one) { return one.toInt(); });
    case TypeKind::FloatType: return list_of<double>(value, element, [](Value one) { return one.toDouble(); });
    case TypeKind::BoolType: return list_of<bool>(value, element, [](Value one) { return one.toBool(); });
    case TypeKind::StringType: return list_of<std::string>(value, element, [](Value one) { return one.toStringRef(); });
    case TypeKind::NumberType: return list_of<at::Scalar>(value, element, [](Value one) { return one.toScalar(); });
    case TypeKind::TensorType: return list_of<at::Tensor>(value, element, [](Value one) { return one.toTensor(); });
    case TypeKind::OptionalType:
      if (element_of(element).kind() == TypeKind::TensorType)
        return list_of<std::optional<at::Tensor>>(value, element,
                                                  [](Value one) { return one.toOptional<at::Tensor>(); });
      break;
    default: break;
  }
  fail(ft_model_error, "its type, " + type.annotation_str() + ", is not known");
}

/// How many values there are of a type that is an integer to LibTorch as well; -1 for other types.
std::int64_t count_of_choices(const c10::Argument& argument) {
  const c10::Type* type = argument.real_type().get();
  while (type->kind() == TypeKind::OptionalType) type = &element_of(*type);
  switch (type->kind()) {
    case TypeKind::ScalarTypeType: return static_cast<std::int64_t>(at::ScalarType::Undefined);
    case TypeKind::LayoutType: return static_cast<std::int64_t>(at::Layout::NumOptions);
    case TypeKind::MemoryFormatType: return static_cast<std::int64_t>(at::MemoryFormat::NumOptions);
    default: return -1;
  }
}

/// LibTorch takes a number for a dtype as it is, and reads beyond its tables if it is none.
void check_choice(const c10::IValue& value, const c10::Argument& argument) {
  if (!is_choice(argument) || !value.isInt()) return;
  if (value.toInt() < 0 || value.toInt() >= count_of_choices(argument))
    fail(ft_model_error,
         "there is no " + argument.real_type()->annotation_str() + " with the number " + std::to_string(value.toInt()));
}

}  // namespace

std::optional<BoxedOperator> BoxedOperator::find(const std::string& name, const std::string& overload) {
  const auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
  return handle ? std::optional(BoxedOperator(*handle)) : std::nullopt;
}

c10::IValue as_argument(const c10::IValue& value, const c10::Argument& argument) {
  c10::IValue converted = as_type(value, *argument.type(), argument.N());
  check_choice(converted, argument);
  return converted;
}

bool is_choice(const c10::Argument& argument) { return count_of_choices(argument) >= 0; }

const c10::Type& plain_type(const c10::Argument& argument) {
  const c10::Type* type = argument.type().get();
  while (type->kind() == TypeKind::OptionalType) type = &element_of(*type);
  return *type;
}

}  // namespace ftorch
