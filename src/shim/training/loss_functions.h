// SPDX-License-Identifier: MIT
// Losses that LibTorch has only in Python, and what all need.
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace ftorch {

/// As torch.nn.functional.gaussian_nll_loss.
at::Tensor gaussian_nll_loss(const at::Tensor& input, const at::Tensor& target, const at::Tensor& variance, bool full,
                             double eps, int64_t reduction);

/// A weight in the shape of the input; fails for one that does not broadcast to it.
std::optional<at::Tensor> expanded(const std::optional<at::Tensor>& weight, const at::Tensor& input,
                                   const char* name = "weight");

/// A value of an argument that is a whole number; fails for any other.
int64_t whole_number(double value, const char* name);

}  // namespace ftorch
