// SPDX-License-Identifier: MIT
// The networks of networks.py, written against ATen as eager mode runs them.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>
#include <vector>

/// A network by its name, with the weights of a TorchScript file.
std::function<at::Tensor(const at::Tensor&)> eager_network(const std::string& name, const std::string& filename);

/// Sizes from a text, "1,24,8".
std::vector<int64_t> sizes_of(const char* text);

/// sin(0.1 i) in the order of memory.
std::vector<float> sample(const std::vector<int64_t>& sizes);

at::Tensor wrap(std::vector<float>& numbers, const std::vector<int64_t>& sizes);
