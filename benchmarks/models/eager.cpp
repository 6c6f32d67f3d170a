// SPDX-License-Identifier: MIT
// Each network is one expression after another, as Python has it.
#include "eager.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cmath>
#include <cstdlib>
#include <stdexcept>
#include <unordered_map>

namespace {

using at::Tensor;

class Weights {
 public:
  explicit Weights(const std::string& filename) {
    for (const auto& parameter : torch::jit::load(filename, at::kCPU).named_parameters())
      tensors_.emplace(parameter.name, parameter.value);
  }
  const Tensor& operator[](const std::string& name) const { return tensors_.at(name); }

 private:
  std::unordered_map<std::string, Tensor> tensors_;
};

/// Weight and bias of a layer.
struct Layer {
  Layer(const Weights& weights, const std::string& name)
      : weight(weights[name + ".weight"]), bias(weights[name + ".bias"]) {}
  Tensor linear(const Tensor& x) const { return at::linear(x, weight, bias); }
  Tensor normalise(const Tensor& x) const { return at::layer_norm(x, weight.sizes(), weight, bias); }
  Tensor convolve(const Tensor& x) const { return at::conv2d(x, weight, bias, 1, 1); }

  Tensor weight;
  Tensor bias;
};

struct Mlp {
  explicit Mlp(const Weights& weights) : first(weights, "0"), second(weights, "2"), third(weights, "4") {}
  Tensor operator()(const Tensor& x) const { return third.linear(at::tanh(second.linear(at::tanh(first.linear(x))))); }

  Layer first, second, third;
};

struct Operators {
  explicit Operators(const Weights&) {}
  Tensor operator()(Tensor x) const {
    for (int i = 0; i < 40; ++i) x = at::tanh(x * 1.25 + 0.125);
    return x;
  }
};

struct UNet {
  explicit UNet(const Weights& weights)
      : down(weights, "down"), inner(weights, "inner"), up(weights, "up"), last(weights, "last") {}
  Tensor operator()(const Tensor& x) const {
    const Tensor fine = at::relu(down.convolve(x));
    const Tensor coarse = at::relu(inner.convolve(at::max_pool2d(fine, 2)));
    return last.convolve(at::cat({fine, at::conv_transpose2d(coarse, up.weight, up.bias, 2)}, 1));
  }

  Layer down, inner, up, last;
};

struct Recurrent {
  explicit Recurrent(const Weights& weights)
      : cell{weights["cell.weight_ih_l0"], weights["cell.weight_hh_l0"], weights["cell.bias_ih_l0"],
             weights["cell.bias_hh_l0"]},
        last(weights, "last") {}
  Tensor operator()(const Tensor& x) const {
    const Tensor h = at::zeros({1, x.size(0), 16}, x.options()), c = at::zeros({1, x.size(0), 16}, x.options());
    const Tensor series = std::get<0>(at::lstm(x, {h, c}, cell, true, 1, 0.0, false, false, true));
    return last.linear(series.select(1, -1));
  }

  std::vector<Tensor> cell;
  Layer last;
};

struct Block {
  explicit Block(const Weights& weights)
      : first(weights, "first"),
        heads(weights, "heads"),
        mixing(weights, "mixing"),
        second(weights, "second"),
        wide(weights, "wide"),
        narrow(weights, "narrow") {}
  Tensor operator()(Tensor x) const {
    const int64_t n = x.size(0);
    const auto parts = heads.linear(first.normalise(x)).reshape({n, 16, 3, 4, 8}).permute({2, 0, 3, 1, 4}).unbind(0);
    const Tensor mixed = at::scaled_dot_product_attention(parts[0], parts[1], parts[2]);
    x = x + mixing.linear(mixed.transpose(1, 2).reshape({n, 16, 32}));
    return x + narrow.linear(at::gelu(wide.linear(second.normalise(x))));
  }

  Layer first, heads, mixing, second, wide, narrow;
};

}  // namespace

std::function<Tensor(const Tensor&)> eager_network(const std::string& name, const std::string& filename) {
  const Weights weights(filename);
  if (name == "mlp") return Mlp(weights);
  if (name == "operators") return Operators(weights);
  if (name == "unet") return UNet(weights);
  if (name == "lstm") return Recurrent(weights);
  if (name == "transformer") return Block(weights);
  throw std::invalid_argument("there is no network " + name);
}

std::vector<int64_t> sizes_of(const char* text) {
  std::vector<int64_t> sizes;
  for (char* end = nullptr; *text; text = *end ? end + 1 : end) sizes.push_back(std::strtol(text, &end, 10));
  return sizes;
}

std::vector<float> sample(const std::vector<int64_t>& sizes) {
  std::vector<float> numbers(static_cast<std::size_t>(c10::multiply_integers(sizes)));
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = std::sin(0.1F * static_cast<float>(i + 1));
  return numbers;
}

at::Tensor wrap(std::vector<float>& numbers, const std::vector<int64_t>& sizes) {
  return at::from_blob(numbers.data(), sizes, at::kFloat);
}
