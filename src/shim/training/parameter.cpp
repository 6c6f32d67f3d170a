// SPDX-License-Identifier: MIT
// Parameters of an optimizer: what kernels walk, and who follows the numbers.

#include "training/parameter.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/view_as_real.h>

#include "tensor/alias_registry.h"
#include "tensor/elements.h"

namespace ftorch {
namespace {

/// Complex numbers as pairs of real ones, as torch.optim steps them.
at::Tensor as_real(const at::Tensor& tensor) { return tensor.is_complex() ? at::view_as_real(tensor) : tensor; }

at::Tensor dense_form(const at::Tensor& real) {
  return real.is_non_overlapping_and_dense() ? real : at::empty(real.sizes(), real.options().requires_grad(false));
}

/// True when both walk their elements in one order.
bool have_one_layout(const at::Tensor& a, const at::Tensor& b) {
  if (a.strides() == b.strides()) return true;
  for (int64_t i = 0; i < a.dim(); ++i) {
    if (a.size(i) > 1 && a.stride(i) != b.stride(i)) return false;
  }
  return true;
}

/// The tensor behind a parameter that is a copy of an array of the host, or null.
Tensor* with_host_array(const GivenParameter& given) {
  return given.copies_array ? tensors.find(given.tensor) : nullptr;
}

}  // namespace

Parameter::Parameter(const GivenParameter& one) : given(one), real(as_real(one.leaf)), dense(dense_form(real)) {}

bool Parameter::is_reachable() const {
  const Tensor* const found = tensors.find(given.tensor);
  return found ? found->value.is_same(given.leaf) : !given.has_array;
}

void Parameter::check() const {
  if (!is_reachable()) [[unlikely]]
    fail(ft_invalid_argument,
         name +
             (tensors.find(given.tensor) ? " was assigned another value since the optimizer was made"
                                         : " was released, and the array that it was made over may be gone") +
             "; make the optimizer anew");
  const at::Tensor& grad = gradient();
  if (!grad.defined()) return;
  const at::Tensor& leaf = given.leaf;
  const char* const what = grad.layout() != at::kStrided              ? "is sparse"
                           : grad.scalar_type() != leaf.scalar_type() ? "has another dtype"
                           : grad.device() != leaf.device()           ? "is on another device"
                           : grad.sizes() != leaf.sizes()             ? "has another shape"
                                                                      : nullptr;
  if (what) [[unlikely]]
    fail(ft_invalid_argument, "the gradient of " + name + " " + what);
}

at::Tensor Parameter::dense_gradient() const {
  const at::Tensor& grad = gradient();
  const bool is_lazy = grad.is_conj() || grad.is_neg() || grad._is_zerotensor();
  const at::Tensor pairs = as_real(is_lazy ? grad.clone() : grad);
  return have_one_layout(pairs, dense) ? pairs : at::empty_like(dense).copy_(pairs);
}

void Parameter::refresh() const {
  if (Tensor* const found = with_host_array(given); found && found->is_mirror) refresh_mirror(*found);
}

void Parameter::prepare() const {
  prepare_write_in_place(given.leaf);
  if (Tensor* const found = with_host_array(given)) prepare_write(*found);
}

void Parameter::publish() const {
  if (const Tensor* const found = with_host_array(given)) copy_numbers(found->attached, found->value);
}

}  // namespace ftorch
