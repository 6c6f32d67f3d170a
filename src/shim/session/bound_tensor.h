// SPDX-License-Identifier: MIT
// What a session reads or writes.
#pragma once

#include <c10/util/SmallVector.h>

#include <memory>
#include <optional>

#include "tensor/array.h"
#include "tensor/tensor.h"

namespace ftorch {

/// An array of the program, whatever becomes of the tensor over it; or a tensor that has none.
class BoundTensor {
 public:
  explicit BoundTensor(ft_handle handle);

  /// The program's tensor, or, if that is gone, one over its array.
  Tensor& current() const;
  /// What a model is given: the array itself, or a copy of its present numbers where the model cannot work there.
  const at::Tensor& input() const;
  /// As `input`, with the object around it.
  Tensor& input_object() const { return over_array_ ? *over_array_ : current(); }
  /// True for an array on the host where kernels can work.
  bool is_plain_array() const { return over_array_ && over_array_->value.is_same(over_array_->attached); }

  /// True if the numbers of a result, which nobody else has, are all that the array must get.
  bool takes_copy(const at::Tensor& result, const Tensor& target) const;
  void copy(const at::Tensor& result, Tensor& target) const;
  /// The program's tensor shows what was written to the array.
  void show_array() const;

  /// Another array in the place of this one, of the same dtype and rank.
  void rebind(const ft_view& view, at::ScalarType dtype);
  /// Another tensor.
  void rebind(ft_handle handle);

 private:
  bool move_to(const ft_view& view) const;
  /// Fails unless dtype and rank are those of what is bound.
  void check_like(const at::Tensor& other) const;

  /// What can take its place, also when the tensor is gone.
  at::ScalarType dtype_;
  at::Device device_ = at::kCPU;
  c10::SmallVector<std::int64_t, 5> sizes_;
  std::optional<Tensors::Identity> identity_;
  std::unique_ptr<Tensor> over_array_;
};

}  // namespace ftorch
