// SPDX-License-Identifier: MIT
// What a caller gave to a function: its arguments by their places in the row, checked, with dimensions from 0.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string_view>
#include <vector>

#include "ftorch.h"
#include "tensor/alias_registry.h"

namespace ftorch {

/// A dimension that may be left out, as LibTorch's functions take it.
class OptionalDim {
 public:
  OptionalDim() = default;
  explicit OptionalDim(int64_t dim) : dim_(dim) {}

  const std::optional<int64_t>& value() const { return dim_; }
  /// All dimensions where none is given.
  std::vector<int64_t> or_all(int64_t rank) const;
  operator at::OptionalIntArrayRef() const {
    return dim_ ? at::OptionalIntArrayRef(at::IntArrayRef(*dim_)) : std::nullopt;
  }

 private:
  std::optional<int64_t> dim_;
};

class FunctionArguments {
 public:
  /// `names` are those of the row, of which there are `count`.
  FunctionArguments(const char* const* names, std::size_t count, const ft_argument* arguments, int64_t size);

  const at::Tensor& tensor(std::size_t place) const;
  /// A tensor, or a number as one beside the tensor at `other`.
  at::Tensor operand(std::size_t place, std::size_t other) const;
  at::TensorList tensors(std::size_t place) const;
  int64_t dim(std::size_t place, int64_t rank) const;
  OptionalDim optional_dim(std::size_t place, int64_t rank) const;
  int64_t integer(std::size_t place) const;
  at::IntArrayRef integers(std::size_t place) const;
  /// A tensor of indices from 1, or a vector of them.
  at::Tensor indices(std::size_t place) const;
  at::Scalar number(std::size_t place, const at::Scalar& otherwise) const;
  std::optional<at::Scalar> optional_number(std::size_t place) const;
  bool flag(std::size_t place) const;
  std::string_view text(std::size_t place) const;
  at::ScalarType dtype(std::size_t place) const;

  /// The result, or a copy of it in the graph where it is memory of an argument.
  at::Tensor own(at::Tensor result) const;
  /// To be called when the function has run: what graphs keep is none of the program's memory.
  void keep_apart() noexcept;

 private:
  struct Place {
    std::size_t first = 0;
    std::size_t count = 0;
  };

  const ft_argument& given(std::size_t place) const { return arguments_[place]; }
  bool is_given(std::size_t place) const { return given(place).kind != ft_argument_none; }
  const ft_argument& of_kind(std::size_t place, int kind) const;
  std::string name(std::size_t place) const { return names_[place]; }
  template <class F>
  void for_each_given_tensor(const F& f);
  void take_tensors();

  const char* const* names_;
  const ft_argument* arguments_;
  std::size_t count_;
  c10::SmallVector<at::Tensor, 4> values_;
  c10::SmallVector<Place, 4> places_;
  Operands operands_;
};

}  // namespace ftorch
