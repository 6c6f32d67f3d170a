// SPDX-License-Identifier: MIT
// Batches into tensors.

#include "storage/batch.h"

#include <ATen/ops/empty.h>

#include "core/text.h"
#include "tensor/alias_registry.h"
#include "tensor/convert.h"
#include "tensor/plain.h"
#include "tensor/region.h"

namespace ftorch {
namespace {

const at::Tensor& memory_of(const Tensor& tensor) { return tensor.attached.defined() ? tensor.attached : tensor.value; }

bool share_memory(const at::Tensor& a, const at::Tensor& b) {
  if (a.device() != b.device() || a.numel() == 0 || b.numel() == 0) return false;
  const ByteStrides strides_a = byte_strides(a);
  const ByteStrides strides_b = byte_strides(b);
  const Region one = region_of(a, strides_a);
  const Region other = region_of(b, strides_b);
  return range_of(one).intersects(range_of(other)) && overlap(one, other);
}

RowLayout checked_layout(const Tensor& target, const RowForm& form) {
  const at::Tensor& value = target.value;
  check_plain(value);
  if (value.requires_grad() && value.is_leaf())
    fail(ft_invalid_argument, "the tensor is a leaf with requires_grad; a batch needs one without");
  if (!is_taken(value.scalar_type(), form.dtype))
    fail(ft_dtype_mismatch,
         "the dtype is " + dtype_name(value.scalar_type()) + "; rows of this field have " + dtype_name(form.dtype));
  // The array's own strides: a value that has a graph may have others.
  const at::Tensor& memory = memory_of(target);
  const auto layout = layout_of({value.sizes(), memory.strides()}, form.shape, Order::any);
  if (!layout)
    fail(ft_shape_mismatch, "the shape is " + shape_text(value.sizes()) + "; a row of this field is " +
                                accepted_shapes(form.shape, Order::any));
  return *layout;
}

RowLayout layout_for(const DrawTarget& target, const RowForm& form) {
  Context context(target.name.name, target.name.index);
  return checked_layout(*target.tensor, form);
}

}  // namespace

void check_apart(std::span<const DrawTarget> targets) {
  for (std::size_t i = 1; i < targets.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!share_memory(memory_of(*targets[i].tensor), memory_of(*targets[j].tensor))) continue;
      Context context(targets[i].name.name, targets[i].name.index);
      fail(ft_invalid_argument,
           "the tensor shares its memory with that of field " + std::to_string(j + 1) + "; each field needs its own");
    }
  }
}

BatchPart::BatchPart(const DrawTarget& target, const RowForm& form)
    : target_(*target.tensor),
      form_(form),
      layout_(layout_for(target, form)),
      row_bytes_(static_cast<std::size_t>(form.bytes())) {}

bool BatchPart::is_written_directly() const {
  const at::Tensor& value = target_.value;
  if (!layout_.is_dense || value.scalar_type() != form_.dtype || !value.device().is_cpu() || target_.parameter ||
      value.is_conj() || value.is_neg())
    return false;
  if (target_.attached.defined()) return target_.attached.is_cpu() && !target_.is_mirror;
  return !value.requires_grad() && !is_shared(value, 1);
}

void BatchPart::prepare() {
  if (is_written_directly()) {
    if (target_.attached.defined()) prepare_write(target_);
    next_ = static_cast<char*>(memory_of(target_).mutable_data_ptr());
    return;
  }
  Extents shape = form_.reversed();
  shape.insert(shape.begin(), layout_.count);
  rows_ = at::empty(shape, form_.dtype);
  next_ = static_cast<char*>(rows_.mutable_data_ptr());
}

void BatchPart::finish() {
  if (!rows_.defined()) return;
  const bool is_reversed = layout_.sample == Sample::last || layout_.sample == Sample::none;
  if (layout_.sample == Sample::none || layout_.sample == Sample::none_reversed) rows_ = rows_.squeeze(0);
  if (is_reversed) rows_ = with_reversed_dimensions(rows_);
  rows_ = rows_.reshape(target_.value.sizes()).to(target_.value.device());
  write_.emplace(target_, std::move(rows_), Write::output).prepare();
}

void BatchPart::commit() {
  if (write_) return write_->commit();
  if (target_.attached.defined() && !target_.value.is_same(target_.attached)) target_.value = target_.attached;
  target_.temporary = false;
}

}  // namespace ftorch
