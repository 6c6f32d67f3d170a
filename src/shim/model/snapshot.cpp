// SPDX-License-Identifier: MIT
// Taking a part of a model down before a pass, and putting it back after one that failed.

#include "model/snapshot.h"

#include <ATen/core/class_type.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function.h>

namespace ftorch {
namespace {

using torch::autograd::AutogradMeta;
using torch::autograd::impl::get_autograd_meta;
using torch::autograd::impl::get_view_autograd_meta;

/// All of a storage, whatever its tensors see of it.
at::Tensor storage_bytes(const at::Tensor& tensor) {
  const c10::Storage& storage = tensor.storage();
  const auto key = c10::computeDispatchKey(at::kByte, at::kStrided, storage.device());
  at::Tensor bytes = at::detail::make_tensor<c10::TensorImpl>(c10::Storage(storage), c10::DispatchKeySet(key),
                                                              caffe2::TypeMeta::Make<std::uint8_t>());
  bytes.unsafeGetTensorImpl()->set_sizes_contiguous({static_cast<std::int64_t>(storage.nbytes())});
  return bytes;
}

bool has_backward_view(const at::Tensor& tensor) {
  const auto* const view = get_view_autograd_meta(tensor);
  return view && view->has_bw_view();
}

}  // namespace

void Snapshot::add_slot(c10::intrusive_ptr<c10::ivalue::Object> object, std::size_t slot) {
  const c10::IValue& value = object->getSlot(slot);
  slots_.push_back({object, slot, value});
}

void Snapshot::add_containers(const c10::IValue& value) {
  value.visit([this](const c10::IValue& part) {
    if (part.isObject()) return true;
    if (part.isList()) lists_.emplace_back(part.toList(), part.toList().copy());
    else if (part.isGenericDict()) dicts_.emplace_back(part.toGenericDict(), part.toGenericDict().copy());
    return false;
  });
}

void Snapshot::add_tensors(const c10::IValue& value) {
  add_containers(value);
  value.visit([this](const c10::IValue& part) {
    if (part.isTensor() && part.toTensor().defined()) add_tensor(part.toTensor());
    return part.isObject();
  });
}

void Snapshot::add_all(const c10::IValue& module) {
  module.visit([this](const c10::IValue& part) {
    if (!part.isObject()) return false;
    const auto object = part.toObject();
    if (!seen_.insert(object.get()).second) return true;
    for (std::size_t i = 0; i < object->type()->numAttributes(); ++i) {
      add_slot(object, i);
      add_tensors(object->getSlot(i));
      if (object->getSlot(i).isTensor()) {
        const at::Tensor& tensor = object->getSlot(i).toTensor();
        if (tensor.defined() && tensor.grad().defined()) add_tensor(tensor.grad());
      }
    }
    return false;
  });
}

void Snapshot::add_tensor(const at::Tensor& tensor) {
  c10::TensorImpl* const impl = tensor.unsafeGetTensorImpl();
  if (!seen_.insert(impl).second) return;
  const AutogradMeta* const meta = get_autograd_meta(tensor);
  const bool is_view = has_backward_view(tensor);
  // A write into a view changes the history of its base.
  if (is_view) add_tensor(at::Tensor(tensor._base()));
  const at::Tensor form = tensor.has_storage() ? tensor : tensor.detach().clone();
  tensors_.push_back({tensor, form.unsafeGetTensorImpl()->shallow_copy_and_detach(c10::VariableVersion(0), true),
                      meta ? meta->grad_ : at::Tensor(), meta ? meta->grad_fn_ : nullptr, meta ? meta->output_nr_ : 0,
                      meta && meta->requires_grad_,
                      tensor.is_inference() ? 0 : impl->version_counter().current_version(),
                      is_view ? get_view_autograd_meta(tensor)->get_attr_version() : 0});
  if (tensor.has_storage()) add_numbers(tensor);
}

void Snapshot::add_numbers(const at::Tensor& tensor) {
  if (!seen_.insert(tensor.storage().unsafeGetStorageImpl()).second) return;
  at::Tensor bytes = storage_bytes(tensor);
  at::Tensor copy = bytes.clone();
  bytes_.emplace_back(std::move(bytes), std::move(copy));
}

void Snapshot::put_back() const {
  const at::NoGradGuard no_grad;
  for (const auto& [bytes, copy] : bytes_) bytes.copy_(copy);
  for (const Form& form : tensors_) {
    c10::TensorImpl* const impl = form.tensor.unsafeGetTensorImpl();
    impl->shallow_copy_from(form.impl);
    if (AutogradMeta* const meta = get_autograd_meta(form.tensor)) {
      meta->grad_ = form.gradient;
      meta->grad_fn_ = form.function;
      meta->output_nr_ = form.output;
      meta->requires_grad_ = form.requires_grad;
    }
    if (has_backward_view(form.tensor)) get_view_autograd_meta(form.tensor)->set_attr_version(form.view_version);
    if (form.tensor.is_inference()) continue;
    auto version = impl->version_counter();
    version.set_version(form.version);
  }
  for (auto [list, values] : lists_) {
    list.clear();
    list.append(values);
  }
  for (auto [dict, entries] : dicts_) {
    dict.clear();
    for (const auto& entry : entries) dict.insert(entry.key(), entry.value());
  }
  for (const Slot& slot : slots_) slot.object->setSlot(slot.slot, slot.value);
}

}  // namespace ftorch
