// SPDX-License-Identifier: MIT
// Memory of the program that tensors wrap and graphs hold, so that a write through one of them is seen by all.
#pragma once

#include "tensor/region.h"
#include "tensor/tensor.h"

namespace ftorch {

/// Enters a leaf that somebody holds into the register of wrapped memory.
void enter_held(Tensor& leaf) noexcept;

/// To be called before the memory of `attached` changes. Whatever graph needs the numbers that stand there now keeps a
/// private copy; where it holds a leaf, a backward pass that needs them fails instead, unless `value`, which is about to be
/// written, has the same numbers.
void prepare_write(Tensor& target, const at::Tensor& value = {});

/// The same for memory that changes in place through `value`, a leaf, whose own graphs LibTorch guards.
void prepare_write_in_place(const at::Tensor& value);

/// The same for memory that is no tensor's.
void prepare_write(const Region& region);

/// Operands of an operation that is recorded. Memory of the program goes in under a tensor of its own, and what a graph keeps
/// of it is a copy once it was kept apart: the program may write the memory and take it away. A leaf goes in as it is.
class Operands {
 public:
  /// The value of a tensor as an operand. `has_views`: the operation may keep views, whose memory must have no wide gaps, as
  /// between the elements of a row of a matrix; that goes in as a copy.
  at::Tensor add(Tensor& tensor, bool has_views = false);
  /// The same where something is recorded; else the value as it is.
  at::Tensor add_if(bool is_recorded, Tensor& tensor, bool has_views = false);
  /// To be called after the operation, when only graphs hold operands.
  void keep_apart() noexcept;

 private:
  struct Lent {
    Tensor& owner;
    at::Tensor operand;
  };
  c10::SmallVector<Lent, 4> lent_;
};

/// f(a), of which a graph keeps nothing that the program may write: the value has a graph, or nothing is recorded, so that it is no
/// array; but a pointer may be on it.
template <class F>
at::Tensor recorded(Tensor& a, const F& f) {
  if (!a.is_exposed() || !a.value.requires_grad()) [[likely]]
    return f(a.value);
  Operands operands;
  at::Tensor result = f(operands.add(a));
  operands.keep_apart();
  return result;
}

/// f(a, b), of which a graph keeps nothing of the program's memory but leaves.
template <class F>
at::Tensor recorded(Tensor& a, Tensor& b, const F& f) {
  if (!a.value.requires_grad() && !b.value.requires_grad()) return f(a.value, b.value);
  Operands operands;
  at::Tensor result = f(operands.add(a), operands.add(b));
  operands.keep_apart();
  return result;
}

}  // namespace ftorch
