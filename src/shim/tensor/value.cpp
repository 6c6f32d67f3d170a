// SPDX-License-Identifier: MIT
// How a value gets into a tensor: the array that is attached follows, and every graph keeps what it saved.

#include <ATen/MemoryOverlap.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include "tensor/alias_registry.h"
#include "tensor/autocast.h"
#include "tensor/convert.h"
#include "tensor/elements.h"
#include "tensor/region.h"
#include "tensor/tensor.h"

namespace ftorch {
namespace {

bool is_leaf_of_graph(const at::Tensor& value) { return value.requires_grad() && value.is_leaf(); }

/// True when an attached array has all that is to be known of a value.
bool takes_numbers_only(const Tensor& target, const at::Tensor& value) {
  return !value.requires_grad() && target.attached.device() == target.value.device();
}

/// True when the value's numbers are those of the target's array already, as it is.
bool stands_in_array(const Tensor& target, const at::Tensor& value) {
  const at::Tensor& array = target.attached;
  return array.defined() && array.device() == target.value.device() && !array.requires_grad() &&
         is_one_memory(array, value);
}

/// `value` with the target's shape, dtype and device.
at::Tensor reshape_to_target(const Tensor& target, at::Tensor value) {
  const at::Tensor& old = target.value;
  if (value.sizes() != old.sizes()) value = value.reshape(old.sizes());
  if (value.scalar_type() == old.scalar_type() && value.device() == old.device()) return value;
  return value.to(old.device(), old.scalar_type());
}

/// True when the value of an attached tensor is elsewhere: on a device, or a mirror.
bool has_array_apart(const Tensor& target) {
  return target.attached.defined() && !target.value.is_same(target.attached);
}

void overwrite(const at::Tensor& memory, const at::Tensor& numbers) {
  copy_numbers(memory, numbers);
  forget_casts();
  memory.unsafeGetTensorImpl()->bump_version();
}

void write_in_place(Tensor& target, const at::Tensor& value) {
  overwrite(target.value, value);
  if (has_array_apart(target)) copy_numbers(target.attached, value);
}

}  // namespace

bool is_shared(const at::Tensor& value, std::size_t holders) {
  return value.use_count() > holders || (value.has_storage() && value.storage().use_count() > 1);
}

bool is_expanded(const at::Tensor& value) {
  return value.layout() == at::kStrided && !value.is_contiguous() &&
         at::has_internal_overlap(value) == at::MemOverlap::Yes;
}

bool writes_in_place(const Tensor& target, const at::Tensor& value) {
  return target.parameter || (is_leaf_of_graph(target.value) && !value.requires_grad());
}

bool overwrites_value(const Tensor& target, const at::Tensor& value) {
  return writes_in_place(target, value) || target.value.is_same(target.attached) || target.is_mirror;
}

PendingWrite::PendingWrite(Tensor& target, at::Tensor value, Write how)
    : target_(target), value_(std::move(value)), how_(how), is_in_place_(writes_in_place(target, value_)) {
  check();
}

const char* PendingWrite::fixed_by() const {
  if (target_.attached.defined()) return "; the array that the tensor wraps has ";
  if (target_.parameter) return "; the model's tensor has ";
  if (is_in_place_) return "; the leaf that is written has ";
  if (target_.has_fixed_spec && how_ != Write::assign) return "; the tensor was made with ";
  return how_ == Write::output ? "; the tensor has " : nullptr;
}

void PendingWrite::check() const {
  const char* const fixed = fixed_by();
  if (!fixed) return;
  const at::Tensor& old = target_.value;
  if (!is_equal_but_for_ones(value_.sizes(), old.sizes())) [[unlikely]]
    fail(ft_shape_mismatch,
         "the value has shape " + shape_text(value_.sizes()) + fixed + "shape " + shape_text(old.sizes()));
  if (!is_taken(old.scalar_type(), value_.scalar_type())) [[unlikely]]
    fail(ft_dtype_mismatch,
         "the value has dtype " + dtype_name(value_.scalar_type()) + fixed + "dtype " + dtype_name(old.scalar_type()));
  // Memory that stays where it is receives numbers from any device.
  if (!is_in_place_ && !target_.attached.defined() && value_.device() != old.device()) [[unlikely]]
    fail(ft_invalid_argument,
         "the value is on " + value_.device().str() + "; the tensor was made on " + old.device().str());
}

void PendingWrite::prepare() {
  const at::Tensor& old = target_.value;
  if (is_in_place_) {
    if (is_expanded(old)) fail(ft_invalid_argument, "elements of the tensor share memory and cannot be written");
    if (value_.sizes() != old.sizes()) value_ = value_.detach().reshape(old.sizes());
    prepare_write_in_place(old);
    if (has_array_apart(target_)) prepare_write(target_, value_);
  } else if (target_.attached.defined()) {
    if (!takes_numbers_only(target_, value_)) value_ = reshape_to_target(target_, std::move(value_));
    else if (value_.sizes() != old.sizes()) value_ = value_.reshape(old.sizes());
    prepare_write(target_, value_);
  } else if (how_ == Write::output || (target_.has_fixed_spec && how_ == Write::result)) {
    value_ = reshape_to_target(target_, std::move(value_));
  }
}

void PendingWrite::commit() {
  if (is_in_place_) return write_in_place(target_, value_);
  if (how_ == Write::assign) target_.has_fixed_spec = false;
  target_.temporary = false;
  if (target_.attached.defined()) copy_numbers(target_.attached, value_);
  const bool is_attached = target_.attached.defined() && takes_numbers_only(target_, value_);
  target_.value = is_attached ? target_.attached : std::move(value_);
}

void set_value(Tensor& target, at::Tensor value, Write how) {
  PendingWrite write(target, std::move(value), how);
  write.prepare();
  write.commit();
}

void copy_value(Tensor& target, const at::Tensor& value, Write how) {
  if (writes_in_place(target, value)) {
    if (!is_one_memory(target.value, value)) set_value(target, value, how);
  } else if (stands_in_array(target, value)) {
    target.value = value.requires_grad() ? value.clone() : target.attached;
  } else {
    const bool is_read = target.attached.defined() &&
                         (takes_numbers_only(target, value) || value.device() != target.value.device());
    set_value(target, is_read ? value : value.clone(), how);
  }
}

void write_result(ft_handle* target, at::Tensor&& value) {
  if (!*target) {
    *target = new_temporary(std::move(value));
  } else {
    set_value(tensor(*target, "the target"), std::move(value), Write::result);
    *target = tensors.renew(*target);
  }
}

void write_copy(ft_handle* target, const at::Tensor& value) {
  if (!*target) {
    *target = new_temporary(value.clone());
  } else {
    copy_value(tensor(*target, "the target"), value, Write::result);
    *target = tensors.renew(*target);
  }
}

void write_numbers(const at::Tensor& memory, const at::Tensor& numbers) {
  prepare_write_in_place(memory);
  overwrite(memory, numbers);
}

void zero(Tensor& target) {
  at::NoGradGuard no_grad;
  if (target.attached.defined() || writes_in_place(target, {})) {
    set_value(target, at::zeros_like(target.value), Write::result);
  } else if (target.value.requires_grad() || is_shared(target.value, 1)) {
    target.value = at::zeros_like(target.value);
  } else {
    target.value.zero_();
  }
}

}  // namespace ftorch
