// SPDX-License-Identifier: MIT
// What an object says of its own state, after PyTorch's state_dict(): named tensors and named texts, in order.
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ftorch {

/// Values by name, in the order in which the names came.
template <class T>
class NamedValues {
 public:
  /// A value of the same name is replaced.
  void put(std::string name, T value) {
    const auto [place, is_new] = places_.try_emplace(name, values_.size());
    if (is_new) values_.emplace_back(std::move(name), std::move(value));
    else values_[place->second].second = std::move(value);
  }
  /// Null if there is none.
  const T* find(const std::string& name) const {
    const auto place = places_.find(name);
    return place == places_.end() ? nullptr : &values_[place->second].second;
  }
  T* find(const std::string& name) { return const_cast<T*>(static_cast<const NamedValues*>(this)->find(name)); }
  std::size_t size() const { return values_.size(); }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }

 private:
  std::vector<std::pair<std::string, T>> values_;
  std::unordered_map<std::string, std::size_t> places_;
};

/// Numbers are tensors too, so that nothing is rounded and Python sees everything: float64, int64 or bool, of rank 0, or of
/// rank 1 for a vector. A dot in a name parts an object from what it holds: "groups.0.lr".
class StateDict {
 public:
  /// The tensor may be the object's own memory: who keeps a dict takes `copy()`.
  void put(std::string name, at::Tensor value) { tensors_.put(std::move(name), std::move(value)); }
  void put(std::string name, const char* text) = delete;
  void put(std::string name, bool value);
  void put(std::string name, double value);
  void put(std::string name, std::int64_t value);
  template <std::integral T>
  void put(std::string name, T value) {
    put(std::move(name), static_cast<std::int64_t>(value));
  }
  void put(std::string name, const std::vector<double>& values);
  void put(std::string name, const std::vector<std::int64_t>& values);
  void put_text(std::string name, std::string text) { texts_.put(std::move(name), std::move(text)); }
  /// All of `part`, with "name." before each name.
  void put_all(const std::string& name, const StateDict& part);

  bool has(const std::string& name) const { return tensors_.find(name) != nullptr; }
  bool has_text(const std::string& name) const { return texts_.find(name) != nullptr; }

  /// These fail for a name that is missing, and for another dtype or rank than `put` gave.
  const at::Tensor& tensor(const std::string& name) const;
  const std::string& text(const std::string& name) const;
  /// T is bool, double, std::int64_t, or a vector of one of the last two.
  template <class T>
  T get(const std::string& name) const;

  /// What put_all(name, part) added.
  StateDict part(const std::string& name) const;
  /// The same with tensors of its own, contiguous and on the host.
  StateDict copy() const;

  const NamedValues<at::Tensor>& tensors() const { return tensors_; }
  const NamedValues<std::string>& texts() const { return texts_; }

 private:
  NamedValues<at::Tensor> tensors_;
  NamedValues<std::string> texts_;
};

template <>
bool StateDict::get<bool>(const std::string& name) const;
template <>
double StateDict::get<double>(const std::string& name) const;
template <>
std::int64_t StateDict::get<std::int64_t>(const std::string& name) const;
template <>
std::vector<double> StateDict::get<std::vector<double>>(const std::string& name) const;
template <>
std::vector<std::int64_t> StateDict::get<std::vector<std::int64_t>>(const std::string& name) const;

/// A name as messages have it.
inline std::string quoted(const std::string& name) { return "'" + name + "'"; }

enum class Names {
  equal,  ///< both have the same
  common  ///< those that one of them lacks do not count
};

/// Fails if `found` cannot be loaded where `expected` is: with one message that lists all names that are missing or unknown,
/// and tensors of another shape or dtype. Devices may differ.
void check_same_form(const StateDict& expected, const StateDict& found, Names names = Names::equal);

}  // namespace ftorch
