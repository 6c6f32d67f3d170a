// SPDX-License-Identifier: MIT
// Which memory of the program tensors wrap, so that a write through one of them is seen by all.
#pragma once

#include "region.h"
#include "tensor.h"

namespace ftorch {

/// From now on `tensor`, whose address stays, wraps memory: its attached storage.
void enter_wrapped(Tensor& tensor);

/// No more; a graph may still hold the memory.
void leave_wrapped(Tensor& tensor);

/// To be called before the memory of `attached` changes. Whatever graph needs the numbers that stand there now keeps a
/// private copy; where it holds a leaf, or a tensor that was released, a backward pass that needs them fails instead.
void prepare_write(Tensor& target);

/// The same for memory that changes in place through `value`, a leaf, whose own graphs LibTorch guards.
void prepare_write_in_place(const at::Tensor& value);

/// The same for memory that is no tensor's.
void prepare_write(const Region& region);

}  // namespace ftorch
