// SPDX-License-Identifier: MIT
// What a session reads or writes: how it finds, copies and exchanges it.

#include "session/bound_tensor.h"

#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "tensor/convert.h"
#include "tensor/device.h"
#include "tensor/elements.h"
#include "tensor/wrap.h"

namespace ftorch {
namespace {

/// Another tensor over the array of one.
std::unique_ptr<Tensor> over_array_of(const Tensor& tensor) {
  if (!tensor.attached.defined()) return nullptr;
  const at::Tensor& array = tensor.attached;
  auto made = std::make_unique<Tensor>();
  made->attached = from_external_memory(array.mutable_data_ptr(), array.sizes(), array.strides(), array.options());
  const bool is_apart = tensor.is_mirror || tensor.value.device() != array.device();
  made->value = is_apart ? at::empty_like(array, array.options().device(tensor.value.device())) : made->attached;
  made->is_mirror = tensor.is_mirror;
  made->has_fixed_spec = made->wraps = true;
  return made;
}

}  // namespace

BoundTensor::BoundTensor(ft_handle handle) {
  const Tensor& found = tensor(handle, "the tensor");
  dtype_ = found.value.scalar_type();
  device_ = found.value.device();
  sizes_.assign(found.value.sizes().begin(), found.value.sizes().end());
  identity_ = tensors.identity(handle);
  over_array_ = over_array_of(found);
}

void BoundTensor::check_like(const at::Tensor& other) const {
  if (other.scalar_type() != dtype_)
    fail(ft_dtype_mismatch,
         "it has dtype " + dtype_name(other.scalar_type()) + "; what is bound there has dtype " + dtype_name(dtype_));
  if (other.dim() != static_cast<std::int64_t>(sizes_.size()))
    fail(ft_shape_mismatch,
         "it has shape " + shape_text(other.sizes()) + "; what is bound there has shape " + shape_text(sizes_));
}

Tensor& BoundTensor::current() const {
  Tensor* const found = identity_ ? tensors.find(*identity_) : nullptr;
  if (found) return *found;
  if (over_array_) return *over_array_;
  fail(ft_invalid_argument, "the tensor was released, and it has no array");
}

const at::Tensor& BoundTensor::input() const {
  if (!over_array_) return current().value;
  if (!is_plain_array()) copy_numbers(over_array_->value, over_array_->attached);
  return over_array_->value;
}

bool BoundTensor::takes_copy(const at::Tensor& result, const Tensor& target) const {
  if (!is_plain_array()) return false;
  const at::Tensor& array = over_array_->attached;
  return result.scalar_type() == array.scalar_type() && result.sizes() == array.sizes() &&
         result.device() == array.device() && result.layout() == at::kStrided && !is_shared(result, 1) &&
         !target.value.requires_grad();
}

void BoundTensor::copy(const at::Tensor& result, Tensor& target) const {
  copy_numbers(over_array_->attached, result);
  if (!target.value.is_same(target.attached)) target.value = target.attached;
}

void BoundTensor::show_array() const {
  if (!is_plain_array()) return;
  Tensor& target = current();
  if (!target.value.is_same(target.attached)) target.value = target.attached;
}

bool BoundTensor::move_to(const ft_view& view) const {
  const at::Tensor& array = over_array_->attached;
  if (!is_plain_array() || needs_mirror(view.data, array.scalar_type())) return false;
  if (array.numel() == 0 || !view.data || view.element_size != static_cast<int64_t>(array.itemsize())) return false;
  for (int i = 0; i < view.rank; ++i) {
    if (view.extents[i] != array.size(i)) return false;
    if (view.extents[i] > 1 && view.strides[i] != array.stride(i) * view.element_size) return false;
  }
  array.storage().unsafeGetStorageImpl()->set_data_ptr_noswap({view.data, array.device()});
  return true;
}

namespace {

/// True where elements along a dimension are farther apart than along one behind it, as in no array of Fortran.
bool is_permuted(const at::Tensor& tensor) {
  int64_t largest = 0;
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    if (tensor.size(i) < 2) continue;
    if (tensor.stride(i) < largest) return true;
    largest = tensor.stride(i);
  }
  return false;
}

}  // namespace

void BoundTensor::rebind(const ft_view& view, at::ScalarType dtype) {
  if (over_array_ && std::is_sorted(view.strides, view.strides + view.rank) && is_permuted(over_array_->attached))
    fail(ft_invalid_argument,
         "what is bound there has its dimensions in another order than an array, by permute_dims or a layout; give a "
         "tensor over the array that was made in the same way");
  const bool is_like = dtype == dtype_ && view.rank == static_cast<int>(sizes_.size());
  if (over_array_ && is_like && move_to(view)) {
    identity_.reset();
    return;
  }
  auto made = std::make_unique<Tensor>(tensor_over(view, {dtype, device_, false}));
  check_like(made->value);
  sizes_.assign(made->value.sizes().begin(), made->value.sizes().end());
  over_array_ = std::move(made);
  identity_.reset();
}

void BoundTensor::rebind(ft_handle handle) {
  BoundTensor other(handle);
  check_like(other.current().value);
  *this = std::move(other);
}

}  // namespace ftorch
