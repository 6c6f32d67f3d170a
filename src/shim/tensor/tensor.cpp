// SPDX-License-Identifier: MIT
// Entries that make, copy and clear tensors.

#include "tensor/tensor.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/real.h>
#include <ATen/ops/zeros.h>

#include "core/guard.h"
#include "tensor/convert.h"
#include "tensor/options.h"
#include "tensor/replaced.h"
#include "tensor/results.h"

using namespace ftorch;

int ft_tensor_create(int fill, int ndims, const int64_t* shape, int64_t shape_size, const ft_options* options,
                     ft_handle* out) {
  return guard(ft_invalid_argument, [&] {
    required(out, "out");
    const TensorSpec spec = parse_options(options);
    const at::IntArrayRef sizes = shape_of(ndims, shape, shape_size, spec.dtype);
    const at::TensorOptions wanted = at::TensorOptions(spec.dtype).device(spec.device);
    Tensor object;
    switch (fill) {
      case 0: object.value = at::empty(sizes, wanted); break;
      case 1: object.value = at::zeros(sizes, wanted); break;
      case 2: object.value = at::ones(sizes, wanted); break;
      default: fail(ft_invalid_argument, "fill " + std::to_string(fill) + " is none of 0, 1, 2");
    }
    object.value.set_requires_grad(spec.requires_grad);
    object.has_fixed_spec = true;
    *out = new_tensor(std::move(object));
  });
}

int ft_tensor_clear_temporary(ft_handle handle) {
  return guard(ft_internal_error, [&] { tensor(handle, "the tensor").temporary = false; });
}

namespace {

/// What bit copies of `target` are to read once it was assigned to; undefined where they find a tensor that was released.
at::Tensor value_to_keep(const Tensor& target, const Tensor& from, bool source_is_copy) {
  if (!from.temporary && !source_is_copy) return {};
  if (!overwrites_value(target, from.value)) return target.value;
  // A result follows no bit copy but in an array constructor, and copies of numbers cost.
  if (from.temporary) return {};
  return target.value.clone();
}

/// `to` is the object behind *target, or null.
void assign(ft_handle* target, Tensor* to, ft_handle source, bool source_is_copy) {
  const Tensor& from = source_of_assignment(source);
  if (!to) {
    Tensor object;
    object.value = from.temporary ? from.value : from.value.clone();
    *target = new_tensor(std::move(object));
    return;
  }
  if (to->is_mirror) refresh_mirror(*to);
  at::Tensor kept = value_to_keep(*to, from, source_is_copy);
  if (from.temporary) set_value(*to, from.value, Write::assign);
  else copy_value(*to, from.value, Write::assign);
  const ft_handle replaced = std::exchange(*target, tensors.renew(*target));
  if (kept.defined()) keep_replaced(replaced, std::move(kept));
}

}  // namespace

int ft_tensor_assign(ft_handle* target, ft_handle source, int source_is_copy) {
  return guard<true>(ft_invalid_argument, [&](ThreadState& thread) {
    thread.has_failed_operator = false;
    required(target, "target");
    // A variable on the right-hand side begins another statement than that of copies.
    if (thread.has_replaced && !source_is_copy) [[unlikely]] {
      if (const Tensor* const from = tensors.find(source); from && !from->temporary) forget_replaced();
    }
    Tensor* const to = tensors.find(*target);
    if (to && *target == source) return;
    const bool is_value = source && source != failed_result;
    if (is_value || (to && names_memory(*to))) return assign(target, to, source, source_is_copy != 0);
    if (to) keep_replaced(*target, std::move(to->value));
    tensors.release(std::exchange(*target, nullptr));
  });
}

namespace {

/// Fails unless numbers of a dtype may become those of another.
void check_conversion(at::ScalarType from, at::ScalarType to, bool lossy) {
  if (lossy || keeps_numbers(to, from)) return;
  const char* const lost = c10::isComplexType(from) && !c10::isComplexType(to) ? "the imaginary parts would be lost"
                                                                               : "numbers may be lost";
  fail(ft_dtype_mismatch, "source_tensor has dtype " + dtype_name(from) + ", target_tensor " + dtype_name(to) + ": " +
                              lost + "; lossy=.true. allows it");
}

/// A copy in dtype and on the device of `like`.
at::Tensor converted(const at::Tensor& from, const at::Tensor& like, bool waits) {
  // A number with an imaginary part alone is true.
  const bool drops_imaginary = from.is_complex() && !like.is_complex() && like.scalar_type() != at::kBool;
  return (drops_imaginary ? at::real(from) : from).to(like.options(), !waits, /*copy=*/true);
}

}  // namespace

int ft_tensor_to(ft_handle source, ft_handle* target, int non_blocking, int lossy) {
  return guard(ft_invalid_argument, [&] {
    const Tensor& from = tensor(source, "source_tensor");
    Tensor& to = tensor(*required(target, "target_tensor"), "target_tensor");
    if (&from == &to) return;
    check_conversion(from.value.scalar_type(), to.value.scalar_type(), lossy != 0);
    if (from.value.scalar_type() == to.value.scalar_type() && from.value.device() == to.value.device()) {
      copy_value(to, from.value, Write::result);
    } else {
      // The copy to an array reads numbers that must have arrived.
      const bool waits = !non_blocking || (to.attached.defined() && to.value.device().is_cpu());
      set_value(to, converted(from.value, to.value, waits), Write::result);
    }
    *target = tensors.renew(*target);
  });
}

int ft_tensor_to_device(ft_handle source, int device_type, int device_index, ft_handle* target) {
  return guard<false, true>(ft_invalid_argument, [&] {
    required(target, "target");
    const at::Tensor& value = tensor(source, "the tensor").value;
    const c10::Device device = device_of(device_type, device_index);
    write_result(target, value.to(value.options().device(device), /*non_blocking=*/false, /*copy=*/true));
  });
}

int ft_tensor_zero(ft_handle* target) {
  return guard(ft_invalid_argument, [&] {
    zero(tensor(*required(target, "target"), "the tensor"));
    *target = tensors.renew(*target);
  });
}
