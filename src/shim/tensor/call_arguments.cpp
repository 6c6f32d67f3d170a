// SPDX-License-Identifier: MIT
// What a program gives to an operator by name.

#include "tensor/call_arguments.h"

#include <ATen/core/List.h>
#include <ATen/core/grad_mode.h>
#include <ATen/core/jit_type.h>

#include "core/guard.h"
#include "core/text.h"
#include "tensor/argument.h"

namespace ftorch {
namespace {

template <class T>
const T* elements(const ft_argument& argument) {
  if (argument.size < 0) fail(ft_invalid_argument, "the list has a negative size");
  if (argument.size > 0) required(argument.data, "the list");
  return static_cast<const T*>(argument.data);
}

/// A list of what `f` makes of its elements.
template <class T, class F>
c10::IValue values_of(const ft_argument& argument, const F& f) {
  const T* const first = elements<T>(argument);
  c10::List<c10::IValue> list(c10::AnyType::get());
  for (int64_t i = 0; i < argument.size; ++i) list.push_back(f(first[i]));
  return list;
}

/// Calls f(handle) for each tensor of an argument; one that is left out of a list is null.
template <class F>
void for_each_handle(const ft_argument& argument, const F& f) {
  if (argument.kind == ft_argument_tensor) f(const_cast<ft_handle>(argument.data));
  if (argument.kind != ft_argument_tensors) return;
  const ft_handle* const handles = elements<ft_handle>(argument);
  for (int64_t i = 0; i < argument.size; ++i) {
    if (handles[i]) f(handles[i]);
  }
}

/// A tensor that is an argument of a call to come. Compilers end the result of an expression once it was made an argument.
struct Held {
  ft_handle handle;
  at::Tensor value;
};

constexpr std::size_t most_held = 256;
thread_local std::vector<Held> all_held;

/// The value that an argument had, if the tensor was released since; null if it is there, or unknown.
const at::Tensor* held_value(ft_handle handle) {
  if (tensors.find(handle)) return nullptr;
  for (const Held& held : all_held) {
    if (held.handle == handle) return &held.value;
  }
  return nullptr;
}

const at::Tensor& value_behind(ft_handle handle) {
  const at::Tensor* const held = held_value(handle);
  return held ? *held : tensor(handle, "the tensor").value;
}

}  // namespace

CallArguments::CallArguments(const ft_argument* arguments, int64_t size) : arguments_(arguments), size_(size) {
  if (size < 0) fail(ft_invalid_argument, "the number of arguments is negative");
  if (size > 0) required(arguments, "arguments");
  for (int64_t i = 0; i < size; ++i) {
    const Context context("arguments", i);
    for_each_handle(arguments[i], [&](ft_handle handle) {
      is_recorded_ |= at::GradMode::is_enabled() && value_behind(handle).requires_grad();
    });
  }
  values_.reserve(static_cast<std::size_t>(size));
  for (int64_t i = 0; i < size; ++i) {
    const Context context("arguments", i);
    values_.push_back(value_of(arguments[i]));
  }
}

CallArguments::~CallArguments() {
  for (int64_t i = 0; i < size_ && !all_held.empty(); ++i) {
    for_each_handle(arguments_[i], [](ft_handle handle) {
      std::erase_if(all_held, [&](const Held& one) { return one.handle == handle; });
    });
  }
}

at::Tensor CallArguments::value_of_handle(ft_handle handle) {
  if (const at::Tensor* const held = held_value(handle)) return *held;
  return operands_.add_if(is_recorded_, tensor(handle, "the tensor"), /*has_views=*/true);
}

at::Tensor CallArguments::operand(ft_handle handle) {
  const at::Tensor value = value_of_handle(handle);
  if (value.has_storage()) memory_.insert(value.storage().unsafeGetStorageImpl());
  return value;
}

c10::IValue CallArguments::value_of(const ft_argument& argument) {
  switch (argument.kind) {
    case ft_argument_none: return {};
    case ft_argument_tensor: return operand(const_cast<ft_handle>(argument.data));
    case ft_argument_tensors:
      return values_of<ft_handle>(argument,
                                  [&](ft_handle one) { return one ? c10::IValue(operand(one)) : c10::IValue(); });
    case ft_argument_number:
    case ft_argument_complex:
    case ft_argument_logical: return c10::IValue(number_of(argument, "the number"));
    case ft_argument_text: return std::string(elements<char>(argument), static_cast<std::size_t>(argument.size));
    case ft_argument_integers: return values_of<int64_t>(argument, [](int64_t one) { return c10::IValue(one); });
    case ft_argument_reals: return values_of<double>(argument, [](double one) { return c10::IValue(one); });
    case ft_argument_logicals: return values_of<int64_t>(argument, [](int64_t one) { return c10::IValue(one != 0); });
    default: fail(ft_invalid_argument, "an argument of the kind " + std::to_string(argument.kind) + " is not known");
  }
}

bool CallArguments::has_memory(const at::Tensor& tensor) const {
  return tensor.has_storage() && memory_.count(tensor.storage().unsafeGetStorageImpl()) > 0;
}

void CallArguments::keep_apart() noexcept {
  values_.clear();
  operands_.keep_apart();
}

}  // namespace ftorch

using namespace ftorch;

int ft_argument_hold(ft_handle handle) {
  return guard<false, true>(ft_invalid_argument, [&] {
    const Tensor& given = tensor(handle, "the tensor");
    // The program may take the memory away.
    if (given.wraps && given.value.is_same(given.attached)) return;
    if (all_held.size() >= most_held) all_held.erase(all_held.begin());
    all_held.push_back({handle, given.value});
  });
}
