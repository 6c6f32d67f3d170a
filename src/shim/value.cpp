// SPDX-License-Identifier: MIT
// How a value gets into a tensor: the array that is attached follows, and every graph keeps what it saved.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include "convert.h"
#include "elements.h"
#include "tensor.h"
#include "wrapped.h"

namespace ftorch {
namespace {

/// `value` with the shape of a target of one element, in the graph.
at::Tensor fitted(const Tensor& target, at::Tensor value, Write how) {
  const bool keeps_shape = target.attached.defined() || (target.declared && how == Write::result);
  if (!keeps_shape || value.dim() > 0 || target.value.dim() == 0) return value;
  return value.reshape(target.value.sizes());
}

void set_attached(Tensor& target, at::Tensor value) {
  prepare_write(target, value);
  copy_numbers(target.attached, value);
  const at::Device device = target.value.device();
  if (value.device() != device) value = value.to(device);
  const bool is_one_memory = target.attached.device() == device;
  target.value = is_one_memory && !value.requires_grad() ? target.attached : std::move(value);
}

}  // namespace

bool is_shared(const at::Tensor& value, std::size_t holders) {
  return value.use_count() > holders || (value.has_storage() && value.storage().use_count() > 1);
}

void check_write(const Tensor& target, const at::Tensor& value, Write how) {
  const bool is_attached = target.attached.defined();
  if (!is_attached && !(target.declared && how == Write::result)) return;
  const char* const made = is_attached ? "; the array that the tensor wraps has " : "; the tensor was made with ";
  const bool fits = value.dim() == 0 ? target.value.numel() == 1 : value.sizes() == target.value.sizes();
  if (!fits) [[unlikely]]
    fail(ft_shape_mismatch, "the value has shape " + shape_text(value.sizes()) + made + "shape " +
                                shape_text(target.value.sizes()));
  if (value.scalar_type() != target.value.scalar_type()) [[unlikely]]
    fail(ft_dtype_mismatch, "the value has dtype " + dtype_name(value.scalar_type()) + made + "dtype " +
                                dtype_name(target.value.scalar_type()));
  // An array receives numbers from any device.
  if (!is_attached && value.device() != target.value.device()) [[unlikely]]
    fail(ft_invalid_argument, "the value is on " + value.device().str() + "; the tensor was made on " +
                                  target.value.device().str());
}

void set_value(Tensor& target, at::Tensor value, Write how) {
  check_write(target, value, how);
  if (how == Write::assign) target.declared = false;
  target.temporary = target.parameter = false;
  value = fitted(target, std::move(value), how);
  if (target.attached.defined()) set_attached(target, std::move(value));
  else target.value = std::move(value);
}

void copy_value(Tensor& target, const at::Tensor& value, Write how) {
  check_write(target, value, how);
  const bool copies_numbers_only = target.attached.defined() && !value.requires_grad() && value.device().is_cpu();
  set_value(target, copies_numbers_only ? value : value.clone(), how);
}

void write_result(ft_handle* target, at::Tensor value) {
  if (*target) set_value(tensor(*target, "the target"), std::move(value), Write::result);
  else *target = new_temporary(std::move(value));
}

void write_copy(ft_handle* target, const at::Tensor& value) {
  if (*target) copy_value(tensor(*target, "the target"), value, Write::result);
  else *target = new_temporary(value.clone());
}

void zero(Tensor& target) {
  at::NoGradGuard no_grad;
  const bool is_leaf_of_graph = target.value.requires_grad() && target.value.is_leaf();
  if (is_leaf_of_graph || target.parameter) {
    prepare_write_in_place(target.value);
    target.value.zero_();
    if (target.attached.defined() && !target.value.is_same(target.attached)) copy_numbers(target.attached, target.value);
  } else if (target.attached.defined()) {
    set_attached(target, at::zeros_like(target.value));
  } else if (target.value.requires_grad() || is_shared(target.value, 1)) {
    target.value = at::zeros_like(target.value);
  } else {
    target.value.zero_();
  }
}

}  // namespace ftorch
