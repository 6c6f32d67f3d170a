// SPDX-License-Identifier: MIT
// What a loss refuses.
#pragma once

#include <optional>

#include "tensor/tensor.h"

namespace ftorch {

/// These fail for what no order of the three arguments but a wrong one brings about. `loss` may be null.
void check_target(ft_handle target);
void check_order(const Tensor* loss, const at::Tensor& input, int64_t reduction);
/// Fails unless both have the same shape and dtype.
void check_alike(const at::Tensor& input, const at::Tensor& target);
/// Fails for a further tensor of another dtype or device than the input.
void check_beside(const at::Tensor& input, const at::Tensor& other, const char* name);

/// Fails unless the target holds numbers of classes of the input, or `ignore_index`.
void check_classes(const at::Tensor& input, const at::Tensor& target, const std::optional<at::Tensor>& weight,
                   int64_t ignore_index);
/// The same, where the target may hold probabilities.
void check_cross_entropy(const at::Tensor& input, const at::Tensor& target, const std::optional<at::Tensor>& weight,
                         int64_t ignore_index, double label_smoothing);
/// Fails for elements outside 0 to 1.
void check_probabilities(const at::Tensor& input, const at::Tensor& target);
void check_variance(const at::Tensor& input, const at::Tensor& variance, double eps);
void check_cosine(const at::Tensor& input, const at::Tensor& target, const at::Tensor& other);

}  // namespace ftorch
