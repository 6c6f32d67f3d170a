// SPDX-License-Identifier: MIT
// Entries that make, copy and clear tensors.

#include "tensor.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include "guard.h"
#include "options.h"

using namespace ftorch;

namespace {

/// True when the memory of the tensor is an array of the program or a model's, which receives numbers.
bool names_memory(const Tensor& tensor) { return tensor.attached.defined() || tensor.parameter; }

}  // namespace

int ft_tensor_create(int fill, int ndims, const int64_t* shape, int64_t shape_size, const ft_options* options,
                     ft_handle* out) {
  return guard(ft_invalid_argument, [&] {
    required(out, "out");
    const Place place = place_of(options);
    const at::IntArrayRef sizes = shape_of(ndims, shape, shape_size, place.dtype);
    const at::TensorOptions wanted = at::TensorOptions(place.dtype).device(place.device);
    Tensor made;
    switch (fill) {
      case 0: made.value = at::empty(sizes, wanted); break;
      case 1: made.value = at::zeros(sizes, wanted); break;
      case 2: made.value = at::ones(sizes, wanted); break;
      default: fail(ft_invalid_argument, "fill " + std::to_string(fill) + " is none of 0, 1, 2");
    }
    made.value.set_requires_grad(place.requires_grad);
    made.declared = true;
    *out = tensors.acquire(std::move(made));
  });
}

int ft_tensor_keep(ft_handle handle) {
  return guard(ft_internal_error, [&] { tensor(handle, "the tensor").temporary = false; });
}

int64_t ft_tensor_live() { return tensors.live(); }

int ft_tensor_assign(ft_handle* target, ft_handle source) {
  return guard(ft_invalid_argument, [&] {
    required(target, "target");
    if (!source && !(*target && names_memory(tensor(*target, "the left-hand side")))) {
      tensors.release(std::exchange(*target, nullptr));
      return;
    }
    const Tensor& from = tensor(source, "the right-hand side");
    if (*target == source) return;
    if (!*target) {
      Tensor made;
      made.value = from.temporary ? from.value : from.value.clone();
      *target = tensors.acquire(std::move(made));
    } else if (Tensor& to = tensor(*target, "the left-hand side"); from.temporary) {
      set_value(to, from.value, Write::assign);
    } else {
      copy_value(to, from.value, Write::assign);
    }
  });
}

int ft_tensor_to(ft_handle source, ft_handle target, int non_blocking) {
  return guard(ft_invalid_argument, [&] {
    const Tensor& from = tensor(source, "source_tensor");
    Tensor& to = tensor(target, "target_tensor");
    if (&from == &to) return;
    if (from.value.is_complex() && !to.value.is_complex())
      fail(ft_dtype_mismatch, "source_tensor has dtype " + dtype_name(from.value.scalar_type()) + ", target_tensor " +
                                  dtype_name(to.value.scalar_type()) + ": the imaginary parts would be lost");
    const at::TensorOptions wanted = to.value.options();
    if (from.value.scalar_type() == to.value.scalar_type() && from.value.device() == to.value.device())
      return copy_value(to, from.value, Write::result);
    // The copy to an array reads numbers that must have arrived.
    const bool waits = !non_blocking || (to.attached.defined() && to.value.device().is_cpu());
    set_value(to, from.value.to(wanted, !waits, /*copy=*/true), Write::result);
  });
}

int ft_tensor_zero(ft_handle handle) {
  return guard(ft_invalid_argument, [&] { zero(tensor(handle, "the tensor")); });
}
