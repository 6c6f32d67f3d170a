// SPDX-License-Identifier: MIT
// What a loss refuses: shapes and dtypes that differ, numbers out of range, arguments in a wrong order.

#include "training/loss_checks.h"

#include <ATen/core/Reduction.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/aminmax.h>

#include <string>
#include <vector>

#include "tensor/autocast.h"
#include "tensor/convert.h"

namespace ftorch {
namespace {

constexpr const char* order = "; the order of the arguments is loss_tensor, input_tensor, target_tensor";

/// The shape of a target of class numbers beside an input.
std::vector<int64_t> shape_without_classes(const at::Tensor& input) {
  std::vector<int64_t> shape = input.sizes().vec();
  shape.erase(shape.begin() + (shape.size() > 1 ? 1 : 0));
  return shape;
}

void check_class_weight(const at::Tensor& input, const std::optional<at::Tensor>& weight, int64_t classes) {
  if (!weight) return;
  check_beside(input, *weight, "weight");
  if (weight->dim() != 1 || weight->size(0) != classes)
    fail(ft_shape_mismatch, "weight has shape " + shape_text(weight->sizes()) + "; input_tensor has " +
                                std::to_string(classes) + " classes");
}

void check_device(const at::Tensor& input, const at::Tensor& other, const char* name) {
  if (input.device() != other.device())
    fail(ft_invalid_argument,
         "input_tensor is on " + input.device().str() + ", " + name + " on " + other.device().str());
}

/// Fails for a number, other than `ignore_index`, that is none of a class.
void check_class_numbers(const at::Tensor& target, int64_t classes, int64_t ignore_index) {
  at::NoGradGuard no_grad;
  const at::Tensor numbers = target.to(at::kCPU).contiguous();
  const int64_t* const data = numbers.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < numbers.numel(); ++i) {
    if (data[i] == ignore_index || (data[i] >= 0 && data[i] < classes)) continue;
    fail(ft_invalid_argument, "target_tensor has the class number " + std::to_string(data[i]) + "; input_tensor has " +
                                  std::to_string(classes) + " classes, counted from 0");
  }
}

/// The number of classes of an input.
int64_t classes_of(const at::Tensor& input) {
  if (input.dim() == 0)
    fail(ft_shape_mismatch, std::string("input_tensor has rank 0 and no dimension of classes") + order);
  return input.size(input.dim() > 1 ? 1 : 0);
}

/// Fails unless all elements lie in an interval; NaN does not.
void check_interval(const at::Tensor& tensor, const char* name, double least, double most, const char* advice) {
  if (tensor.numel() == 0) return;
  at::NoGradGuard no_grad;
  const auto [low, high] = at::aminmax(tensor.detach());
  const double lowest = low.item<double>();
  const double highest = high.item<double>();
  if (lowest >= least && highest <= most) return;
  fail(ft_invalid_argument,
       std::string(name) + " has elements from " + std::to_string(lowest) + " to " + std::to_string(highest) + advice);
}

}  // namespace

void check_target(ft_handle target) {
  if (!target) fail(ft_invalid_argument, std::string("target_tensor holds nothing: no tensor was put into it") + order);
}

void check_order(const Tensor* loss, const at::Tensor& input, int64_t reduction) {
  if (!at::isFloatingType(input.scalar_type()) && !input.is_complex())
    fail(ft_dtype_mismatch,
         "input_tensor has dtype " + dtype_name(input.scalar_type()) + "; a loss is that of real numbers" + order);
  const bool is_fixed = loss && (loss->attached.defined() || loss->has_fixed_spec || loss->parameter);
  if (is_fixed && reduction != at::Reduction::None && loss->value.numel() != 1)
    fail(ft_shape_mismatch, "loss_tensor has shape " + shape_text(loss->value.sizes()) +
                                ", and with this reduction_type the loss is one number" + order);
}

void check_alike(const at::Tensor& input, const at::Tensor& target) {
  if (input.sizes() != target.sizes())
    fail(ft_shape_mismatch, "input_tensor has shape " + shape_text(input.sizes()) + ", target_tensor " +
                                shape_text(target.sizes()) + (target.dim() == 0 ? order : ""));
  check_beside(input, target, "target_tensor");
}

void check_beside(const at::Tensor& input, const at::Tensor& other, const char* name) {
  const bool is_cast = autocasts(input.device().type()) && at::isFloatingType(input.scalar_type()) &&
                       at::isFloatingType(other.scalar_type());
  if (input.scalar_type() != other.scalar_type() && !is_cast)
    fail(ft_dtype_mismatch, "input_tensor has dtype " + dtype_name(input.scalar_type()) + ", " + name + " " +
                                dtype_name(other.scalar_type()));
  check_device(input, other, name);
}

void check_classes(const at::Tensor& input, const at::Tensor& target, const std::optional<at::Tensor>& weight,
                   int64_t ignore_index) {
  const int64_t classes = classes_of(input);
  if (target.scalar_type() != at::kLong)
    fail(ft_dtype_mismatch, "target_tensor has dtype " + dtype_name(target.scalar_type()) +
                                "; numbers of classes are int64" + (target.dim() == 0 ? order : ""));
  if (const auto shape = shape_without_classes(input); target.sizes() != at::IntArrayRef(shape))
    fail(ft_shape_mismatch, "target_tensor has shape " + shape_text(target.sizes()) +
                                "; beside input_tensor of shape " + shape_text(input.sizes()) + " class numbers have " +
                                shape_text(shape));
  check_device(input, target, "target_tensor");
  check_class_weight(input, weight, classes);
  check_class_numbers(target, classes, ignore_index);
}

void check_cross_entropy(const at::Tensor& input, const at::Tensor& target, const std::optional<at::Tensor>& weight,
                         int64_t ignore_index, double label_smoothing) {
  if (!(label_smoothing >= 0 && label_smoothing <= 1))
    fail(ft_invalid_argument, "label_smoothing is " + std::to_string(label_smoothing) + "; it must be from 0 to 1");
  if (!at::isFloatingType(target.scalar_type())) return check_classes(input, target, weight, ignore_index);
  check_class_weight(input, weight, classes_of(input));
  if (target.dim() + 1 == input.dim())
    fail(ft_dtype_mismatch, "target_tensor has dtype " + dtype_name(target.scalar_type()) +
                                "; class numbers, of which input_tensor has " + std::to_string(classes_of(input)) +
                                ", are int64");
  check_alike(input, target);
}

void check_probabilities(const at::Tensor& input, const at::Tensor& target) {
  check_interval(input, "input_tensor", 0, 1,
                 "; probabilities are from 0 to 1, and torch_loss_bce_with_logits takes any numbers");
  check_interval(target, "target_tensor", 0, 1, "; probabilities are from 0 to 1");
}

void check_variance(const at::Tensor& input, const at::Tensor& variance, double eps) {
  if (input.sizes() != variance.sizes())
    fail(ft_shape_mismatch,
         "input_tensor has shape " + shape_text(input.sizes()) + ", variance " + shape_text(variance.sizes()));
  if (!(eps > 0)) fail(ft_invalid_argument, "eps is " + std::to_string(eps) + "; it must be above 0");
  at::NoGradGuard no_grad;
  if (variance.detach().lt(0).any().item<bool>()) fail(ft_invalid_argument, "variance has negative elements");
}

void check_cosine(const at::Tensor& input, const at::Tensor& target, const at::Tensor& other) {
  if (input.sizes() != other.sizes())
    fail(ft_shape_mismatch,
         "input_tensor has shape " + shape_text(input.sizes()) + ", other " + shape_text(other.sizes()));
  if (input.dim() != 1 && input.dim() != 2)
    fail(ft_shape_mismatch, "input_tensor has rank " + std::to_string(input.dim()) + "; it must be [N, C] or [C]");
  if (target.sizes() != input.sizes().slice(0, input.dim() - 1))
    fail(ft_shape_mismatch, "target_tensor has shape " + shape_text(target.sizes()) +
                                "; beside input_tensor of shape " + shape_text(input.sizes()) +
                                " it has one element a row");
  at::NoGradGuard no_grad;
  if (!target.detach().abs().eq(1).all().item<bool>())
    fail(ft_invalid_argument, "target_tensor has elements that are neither 1 nor -1");
}

}  // namespace ftorch
