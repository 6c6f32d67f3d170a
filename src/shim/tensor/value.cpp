// SPDX-License-Identifier: MIT
// How a value gets into a tensor: the array that is attached follows, and every graph keeps what it saved.

#include <ATen/MemoryOverlap.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include "tensor/alias_registry.h"
#include "tensor/convert.h"
#include "tensor/elements.h"
#include "tensor/tensor.h"

namespace ftorch {
namespace {

bool is_leaf_of_graph(const at::Tensor& value) { return value.requires_grad() && value.is_leaf(); }

/// What has the shape and dtype that a value must have, as a half of a sentence; null when nothing has.
const char* fixed_by(const Tensor& target, const at::Tensor& value, Write how) {
  if (target.attached.defined()) return "; the array that the tensor wraps has ";
  if (target.parameter) return "; the model's tensor has ";
  if (writes_in_place(target, value)) return "; the leaf that is written has ";
  if (target.has_fixed_spec && how != Write::assign) return "; the tensor was made with ";
  return how == Write::output ? "; the tensor has " : nullptr;
}

/// True when an attached array has all that is to be known of a value.
bool takes_numbers_only(const Tensor& target, const at::Tensor& value) {
  return !value.requires_grad() && target.attached.device() == target.value.device();
}

/// True when both are the same elements.
bool is_one_memory(const at::Tensor& a, const at::Tensor& b) {
  return a.is_same(b) ||
         (a.layout() == at::kStrided && b.layout() == at::kStrided && a.device() == b.device() &&
          a.const_data_ptr() == b.const_data_ptr() && a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
          a.strides() == b.strides() && a.is_conj() == b.is_conj() && a.is_neg() == b.is_neg());
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
  return value.layout() == at::kStrided && at::has_internal_overlap(value) == at::MemOverlap::Yes;
}

bool writes_in_place(const Tensor& target, const at::Tensor& value) {
  return target.parameter || (is_leaf_of_graph(target.value) && !value.requires_grad());
}

void check_write(const Tensor& target, const at::Tensor& value, Write how) {
  const char* const fixed = fixed_by(target, value, how);
  if (!fixed) return;
  if (!is_equal_but_for_ones(value.sizes(), target.value.sizes())) [[unlikely]]
    fail(ft_shape_mismatch,
         "the value has shape " + shape_text(value.sizes()) + fixed + "shape " + shape_text(target.value.sizes()));
  if (!is_taken(target.value.scalar_type(), value.scalar_type())) [[unlikely]]
    fail(ft_dtype_mismatch, "the value has dtype " + dtype_name(value.scalar_type()) + fixed + "dtype " +
                                dtype_name(target.value.scalar_type()));
  // Memory that stays where it is receives numbers from any device.
  const bool receives = target.attached.defined() || writes_in_place(target, value);
  if (!receives && value.device() != target.value.device()) [[unlikely]]
    fail(ft_invalid_argument,
         "the value is on " + value.device().str() + "; the tensor was made on " + target.value.device().str());
}

at::Tensor prepared(Tensor& target, at::Tensor value, Write how) {
  if (writes_in_place(target, value)) {
    if (is_expanded(target.value))
      fail(ft_invalid_argument, "elements of the tensor share memory and cannot be written");
    if (value.sizes() != target.value.sizes()) value = value.detach().reshape(target.value.sizes());
    prepare_write_in_place(target.value);
    if (has_array_apart(target)) prepare_write(target, value);
  } else if (target.attached.defined()) {
    if (!takes_numbers_only(target, value)) value = reshape_to_target(target, std::move(value));
    else if (value.sizes() != target.value.sizes()) value = value.reshape(target.value.sizes());
    prepare_write(target, value);
  } else if (how == Write::output || (target.has_fixed_spec && how == Write::result)) {
    value = reshape_to_target(target, std::move(value));
  }
  return value;
}

void commit(Tensor& target, at::Tensor value, Write how) {
  if (writes_in_place(target, value)) return write_in_place(target, value);
  if (how == Write::assign) target.has_fixed_spec = false;
  target.temporary = false;
  if (target.attached.defined()) copy_numbers(target.attached, value);
  const bool is_attached = target.attached.defined() && takes_numbers_only(target, value);
  target.value = is_attached ? target.attached : std::move(value);
}

void set_value(Tensor& target, at::Tensor value, Write how) {
  check_write(target, value, how);
  commit(target, prepared(target, std::move(value), how), how);
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

void write_result(ft_handle* target, at::Tensor value) {
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
  if (target.parameter || target.attached.defined() || is_leaf_of_graph(target.value)) {
    set_value(target, at::zeros_like(target.value), Write::result);
  } else if (target.value.requires_grad() || is_shared(target.value, 1)) {
    target.value = at::zeros_like(target.value);
  } else {
    target.value.zero_();
  }
}

}  // namespace ftorch
