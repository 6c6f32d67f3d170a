// SPDX-License-Identifier: MIT
// Numbers as tensors of a state, and the comparison of two states.

#include "tensor/state_dict.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/tensor.h>

#include "core/error.h"
#include "tensor/convert.h"

namespace ftorch {
namespace {

template <class T>
constexpr at::ScalarType dtype = c10::CppTypeToScalarType<T>::value;

/// The numbers of a tensor that `put` made of T.
template <class T>
std::vector<T> numbers(const StateDict& state, const std::string& name, std::int64_t rank) {
  const at::Tensor& found = state.tensor(name);
  if (found.scalar_type() != dtype<T> || found.dim() != rank)
    fail(found.dim() == rank ? ft_dtype_mismatch : ft_shape_mismatch,
         quoted(name) + " is " + dtype_name(found.scalar_type()) + " of shape " + shape_text(found.sizes()) +
             "; it must be " + dtype_name(dtype<T>) + " of rank " + std::to_string(rank));
  const at::Tensor dense = found.cpu().contiguous();
  const T* const first = dense.const_data_ptr<T>();
  return std::vector<T>(first, first + dense.numel());
}

/// Names of one kind of difference, of which a message shows the first ones.
class List {
 public:
  explicit List(const char* title) : title_(title) {}
  void add(const std::string& entry) {
    constexpr std::size_t most_shown = 8;
    if (count_++ < most_shown) shown_ += (shown_.empty() ? "" : ", ") + entry;
    else ++more_;
  }
  bool is_empty() const { return count_ == 0; }
  void append_to(std::string& message) const {
    if (is_empty()) return;
    if (!message.empty()) message += "; ";
    message += title_ + shown_;
    if (more_ > 0) message += " and " + std::to_string(more_) + " more";
  }

 private:
  std::string title_;
  std::string shown_;
  std::size_t count_ = 0;
  std::size_t more_ = 0;
};

template <class T>
void add_absent(List& list, const NamedValues<T>& from, const NamedValues<T>& among) {
  for (const auto& [name, value] : from) {
    if (!among.find(name)) list.add(quoted(name));
  }
}

}  // namespace

void StateDict::put(std::string name, bool value) { put(std::move(name), at::scalar_tensor(value, at::kBool)); }

void StateDict::put(std::string name, double value) { put(std::move(name), at::scalar_tensor(value, at::kDouble)); }

void StateDict::put(std::string name, std::int64_t value) { put(std::move(name), at::scalar_tensor(value, at::kLong)); }

void StateDict::put(std::string name, const std::vector<double>& values) { put(std::move(name), at::tensor(values)); }

void StateDict::put(std::string name, const std::vector<std::int64_t>& values) {
  put(std::move(name), at::tensor(values));
}

void StateDict::put_all(const std::string& name, const StateDict& part) {
  for (const auto& [key, value] : part.tensors_) tensors_.put(name + "." + key, value);
  for (const auto& [key, value] : part.texts_) texts_.put(name + "." + key, value);
}

const at::Tensor& StateDict::tensor(const std::string& name) const {
  const at::Tensor* const found = tensors_.find(name);
  if (!found) fail(ft_invalid_argument, "there is no tensor " + quoted(name));
  return *found;
}

const std::string& StateDict::text(const std::string& name) const {
  const std::string* const found = texts_.find(name);
  if (!found) fail(ft_invalid_argument, "there is no text " + quoted(name));
  return *found;
}

template <>
bool StateDict::get<bool>(const std::string& name) const {
  return numbers<bool>(*this, name, 0)[0];
}

template <>
double StateDict::get<double>(const std::string& name) const {
  return numbers<double>(*this, name, 0)[0];
}

template <>
std::int64_t StateDict::get<std::int64_t>(const std::string& name) const {
  return numbers<std::int64_t>(*this, name, 0)[0];
}

template <>
std::vector<double> StateDict::get<std::vector<double>>(const std::string& name) const {
  return numbers<double>(*this, name, 1);
}

template <>
std::vector<std::int64_t> StateDict::get<std::vector<std::int64_t>>(const std::string& name) const {
  return numbers<std::int64_t>(*this, name, 1);
}

StateDict StateDict::part(const std::string& name) const {
  const std::string start = name + ".";
  StateDict part;
  for (const auto& [key, value] : tensors_) {
    if (key.starts_with(start)) part.tensors_.put(key.substr(start.size()), value);
  }
  for (const auto& [key, value] : texts_) {
    if (key.starts_with(start)) part.texts_.put(key.substr(start.size()), value);
  }
  return part;
}

StateDict StateDict::copy() const {
  at::NoGradGuard no_grad;
  StateDict copy;
  copy.texts_ = texts_;
  for (const auto& [name, value] : tensors_)
    copy.put(name, value.detach().resolve_conj().resolve_neg().to(value.options().device(at::kCPU), false, true,
                                                                  at::MemoryFormat::Contiguous));
  return copy;
}

void check_same_form(const StateDict& expected, const StateDict& found, Names names) {
  List missing("missing: "), unknown("unknown: "), shapes("another shape: "), dtypes("another dtype: ");
  if (names == Names::equal) {
    add_absent(missing, expected.tensors(), found.tensors());
    add_absent(missing, expected.texts(), found.texts());
    add_absent(unknown, found.tensors(), expected.tensors());
    add_absent(unknown, found.texts(), expected.texts());
  }
  for (const auto& [name, value] : expected.tensors()) {
    const at::Tensor* const other = found.tensors().find(name);
    if (!other) continue;
    if (other->sizes() != value.sizes())
      shapes.add(quoted(name) + " " + shape_text(other->sizes()) + " instead of " + shape_text(value.sizes()));
    if (other->scalar_type() != value.scalar_type())
      dtypes.add(quoted(name) + " " + dtype_name(other->scalar_type()) + " instead of " +
                 dtype_name(value.scalar_type()));
  }
  std::string message;
  for (const List* list : {&missing, &unknown, &shapes, &dtypes}) list->append_to(message);
  if (message.empty()) return;
  const bool has_names = !missing.is_empty() || !unknown.is_empty();
  fail(has_names ? ft_invalid_argument : shapes.is_empty() ? ft_dtype_mismatch : ft_shape_mismatch, std::move(message));
}

}  // namespace ftorch
