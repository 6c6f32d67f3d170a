// SPDX-License-Identifier: MIT
// Derivatives of a function of the program against central differences, as torch.autograd.gradcheck.

#include "autograd/gradcheck.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "autograd/apply_node.h"
#include "autograd/derivative.h"
#include "tensor/convert.h"

namespace ftorch {
namespace {

/// The index of an element, from 1, as Fortran writes it.
std::string index_text(int64_t element, at::IntArrayRef shape) {
  std::vector<int64_t> index(shape.size());
  for (std::size_t i = shape.size(); i-- > 0; element /= shape[i]) index[i] = element % shape[i] + 1;
  std::string text;
  for (const int64_t i : index) {
    text += text.empty() ? " at (" : ",";
    text += std::to_string(i);
  }
  return text.empty() ? text : text + ")";
}

std::string derivative_text(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.9g", number);
  return text;
}

class Check {
 public:
  Check(const HostFunction& function, const Values& inputs, std::size_t outputs_size, double step, double tolerance)
      : function_(function), outputs_size_(outputs_size), step_(step), tolerance_(tolerance) {
    choose(inputs);
    bool is_double = true;
    for (const std::size_t i : varied_) is_double = is_double && inputs_[i].scalar_type() == at::kDouble;
    if (step_ == 0) step_ = is_double ? 1e-6 : 5e-3;
    if (tolerance_ == 0) tolerance_ = is_double ? 1e-3 : 1e-2;
  }

  std::string wrong() {
    const Values outputs = ftorch::apply(function_.copy(), inputs_, outputs_size_);
    std::vector<Values> analytic;
    for (std::size_t k = 0; k < outputs.size(); ++k) analytic.push_back(derivatives_of(outputs[k]));
    for (std::size_t v = 0; v < varied_.size(); ++v) {
      for (int64_t j = 0; j < inputs_[varied_[v]].numel(); ++j) {
        const Values numeric = differences(v, j);
        for (std::size_t k = 0; k < outputs.size(); ++k) {
          if (!outputs[k].requires_grad()) continue;
          const std::string text = compare(analytic[k][v].select(1, j), numeric[k], outputs[k].sizes());
          if (!text.empty())
            return "the derivative of outputs(" + std::to_string(k + 1) + ")" + text + " by inputs(" +
                   std::to_string(varied_[v] + 1) + ")" + index_text(j, inputs_[varied_[v]].sizes()) + message_;
        }
      }
    }
    return {};
  }

 private:
  void choose(const Values& inputs) {
    const bool is_chosen = std::any_of(inputs.begin(), inputs.end(),
                                       [](const auto& one) { return one.requires_grad(); });
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const bool is_varied = is_chosen ? inputs[i].requires_grad() : inputs[i].is_floating_point();
      inputs_.push_back(shown(inputs[i]));
      if (!is_varied) continue;
      if (inputs[i].is_complex())
        fail(ft_dtype_mismatch,
             "inputs(" + std::to_string(i + 1) + ") is " + form_text(inputs[i]) + "; real tensors alone are varied");
      inputs_[i] = inputs_[i].clone(at::MemoryFormat::Contiguous).requires_grad_();
      varied_.push_back(i);
    }
    if (varied_.empty()) fail(ft_invalid_argument, "inputs has no real tensor, whose derivative could be checked");
  }

  /// Matrices with a row for each element of the output, by each varied input.
  Values derivatives_of(const at::Tensor& output) const {
    if (!output.requires_grad()) return {};
    if (output.is_complex()) fail(ft_dtype_mismatch, "an output is " + form_text(output) + "; it must be real");
    Values varied;
    Values matrices;
    for (const std::size_t i : varied_) {
      varied.push_back(inputs_[i]);
      matrices.push_back(at::zeros({output.numel(), inputs_[i].numel()}, at::kDouble));
    }
    for (int64_t row = 0; row < output.numel(); ++row) {
      at::Tensor seed = at::zeros({output.numel()}, output.options());
      seed.select(0, row).fill_(1);
      const Values gradients = differentiate(Values{output}, varied, Values{seed.view(output.sizes())}, Graph::kept);
      for (std::size_t v = 0; v < matrices.size(); ++v) matrices[v].select(0, row).copy_(gradients[v].reshape({-1}));
    }
    return matrices;
  }

  Values moved(std::size_t v, int64_t element, double by) const {
    const at::NoGradGuard no_grad;
    Values values;
    for (const at::Tensor& input : inputs_) values.push_back(input.detach());
    at::Tensor& one = values[varied_[v]];
    one = one.clone();
    one.view({-1}).select(0, element).add_(by);
    return function_.copy()->forward(values, outputs_size_);
  }

  /// Derivatives of all outputs by one element of an input.
  Values differences(std::size_t v, int64_t element) const {
    const Values above = moved(v, element, step_);
    const Values below = moved(v, element, -step_);
    Values columns;
    for (std::size_t k = 0; k < above.size(); ++k) {
      const auto numbers = [](const at::Tensor& one) { return one.to(at::kDouble).reshape({-1}); };
      const bool is_real = above[k].defined() && above[k].is_floating_point();
      columns.push_back(is_real ? (numbers(above[k]) - numbers(below[k])) / (2 * step_) : at::Tensor());
    }
    return columns;
  }

  /// Where two columns differ, and how much in message_.
  std::string compare(const at::Tensor& analytic, const at::Tensor& numeric, at::IntArrayRef shape) {
    for (int64_t i = 0; i < analytic.numel(); ++i) {
      const double got = analytic[i].item<double>();
      const double expected = numeric[i].item<double>();
      if (std::abs(got - expected) <= tolerance_ * (0.01 + std::abs(expected))) continue;
      message_ = " is " + derivative_text(got) + "; central differences give " + derivative_text(expected);
      const std::string place = index_text(i, shape);
      return place.empty() ? " " : place;
    }
    return {};
  }

  const HostFunction& function_;
  Values inputs_;
  std::vector<std::size_t> varied_;
  std::size_t outputs_size_;
  double step_;
  double tolerance_;
  std::string message_;
};

void check_positive(const char* name, double number) {
  if (!(number >= 0))
    fail(ft_invalid_argument, std::string(name) + " is " + derivative_text(number) + "; it must be positive");
}

}  // namespace

std::string wrong_derivative(const HostFunction& function, const Values& inputs, std::size_t outputs_size, double step,
                             double tolerance) {
  check_positive("step", step);
  check_positive("tolerance", tolerance);
  const at::AutoGradMode grad_mode(true);
  return Check(function, inputs, outputs_size, step, tolerance).wrong();
}

}  // namespace ftorch
