// SPDX-License-Identifier: MIT
// What a part of a model is at one moment, so that it can be put back.
#pragma once

#include <ATen/core/ivalue.h>
#include <torch/csrc/autograd/variable.h>

#include <cstdint>
#include <unordered_set>
#include <utility>
#include <vector>

namespace ftorch {

class Snapshot {
 public:
  /// The value of an attribute, not what is in it.
  void add_slot(c10::intrusive_ptr<c10::ivalue::Object> object, std::size_t slot);
  /// What is in the lists and dicts of a value, at any depth.
  void add_containers(const c10::IValue& value);
  /// The same, and all of the tensors there: numbers, shape, memory, history, version.
  void add_tensors(const c10::IValue& value);
  /// The same of all objects in the module.
  void add_all(const c10::IValue& module);

  bool is_empty() const { return slots_.empty() && lists_.empty() && dicts_.empty() && tensors_.empty(); }
  void put_back() const;

 private:
  struct Slot {
    c10::intrusive_ptr<c10::ivalue::Object> object;
    std::size_t slot;
    c10::IValue value;
  };
  /// What a tensor is beside its numbers.
  struct Form {
    at::Tensor tensor;
    c10::intrusive_ptr<c10::TensorImpl> impl;
    at::Tensor gradient;
    decltype(torch::autograd::AutogradMeta::grad_fn_) function;
    std::uint32_t output;
    bool requires_grad;
    std::uint32_t version;
    std::uint32_t view_version;
  };
  template <class T>
  using Pairs = std::vector<std::pair<T, T>>;

  void add_tensor(const at::Tensor& tensor);
  void add_numbers(const at::Tensor& tensor);

  std::vector<Slot> slots_;
  Pairs<c10::List<c10::IValue>> lists_;
  Pairs<c10::Dict<c10::IValue, c10::IValue>> dicts_;
  std::vector<Form> tensors_;
  /// Bytes of storages, and copies of them.
  Pairs<at::Tensor> bytes_;
  std::unordered_set<const void*> seen_;
};

}  // namespace ftorch
