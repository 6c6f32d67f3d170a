// SPDX-License-Identifier: MIT
// Memory of the program that tensors wrap and graphs hold, so that a write through one of them is seen by all.
#pragma once

#include "region.h"
#include "tensor.h"

namespace ftorch {

/// Whoever holds memory that the tensor wraps has a copy from now on, so that the program may write the memory and take it
/// away; if the tensor is a leaf, which must stay that memory, it goes into the register of wrapped memory.
void keep_apart(Tensor& tensor) noexcept;

/// To be called before the memory of `attached` changes. Whatever graph needs the numbers that stand there now keeps a
/// private copy; where it holds a leaf, a backward pass that needs them fails instead, unless `value`, which is about to be
/// written, has the same numbers.
void prepare_write(Tensor& target, const at::Tensor& value = {});

/// The same for memory that changes in place through `value`, a leaf, whose own graphs LibTorch guards.
void prepare_write_in_place(const at::Tensor& value);

/// The same for memory that is no tensor's.
void prepare_write(const Region& region);

/// The value as an operand of which a graph may keep views. Memory that lies in between much else, such as a row of a
/// matrix, goes in as a copy, so that the graph keeps the elements and not what is between them.
at::Tensor operand_with_views(const Tensor& tensor);

}  // namespace ftorch
