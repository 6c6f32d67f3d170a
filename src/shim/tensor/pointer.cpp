// SPDX-License-Identifier: MIT
// The numbers of a tensor as memory that the program reads and writes.

#include <ATen/core/grad_mode.h>

#include "core/guard.h"
#include "tensor/alias_registry.h"
#include "tensor/array.h"
#include "tensor/autocast.h"
#include "tensor/convert.h"

using namespace ftorch;

namespace {

/// What an array without elements is associated with.
char nothing[16];

void check_pointer(const at::Tensor& value, const ft_view& view, at::ScalarType dtype) {
  if (!value.device().is_cpu())
    fail(ft_invalid_argument, "the tensor is on " + value.device().str() +
                                  ", where a pointer does not reach; torch_tensor_to copies it to the host");
  if (value.layout() != at::kStrided) fail(ft_invalid_argument, "the tensor is sparse and has no array of numbers");
  if (value.scalar_type() != dtype)
    fail(ft_dtype_mismatch,
         "the tensor has dtype " + dtype_name(value.scalar_type()) + ", the pointer " + dtype_name(dtype));
  if (value.dim() != view.rank)
    fail(ft_shape_mismatch, "the tensor has shape " + shape_text(value.sizes()) + " of rank " +
                                std::to_string(value.dim()) + ", the pointer rank " + std::to_string(view.rank));
  if (is_expanded(value))
    fail(ft_invalid_argument, "elements of the tensor share memory, which no pointer can; assign it to another first");
}

/// The memory that is the tensor's alone, or known to be the program's or a model's.
at::Tensor reachable_memory(Tensor& tensor) {
  if (tensor.attached.defined()) return tensor.attached;
  at::Tensor& value = tensor.value;
  if (tensor.is_lent) return value;
  if (value.is_conj() || value.is_neg()) value = value.resolve_conj().resolve_neg();
  if (tensor.parameter || (value.requires_grad() && value.is_leaf())) {
    // Written in place, as by an optimizer: a backward pass that needs the old numbers fails.
    prepare_write_in_place(value);
    forget_casts();
    if (tensor.parameter || is_shared(value, 1)) value.unsafeGetTensorImpl()->bump_version();
  } else if (is_shared(value, 1)) {
    value = value.clone();
  }
  tensor.exposed = value.unsafeGetTensorImpl();
  return value;
}

}  // namespace

int ft_view_point(ft_handle handle, int dtype, ft_view* view) {
  return guard(ft_invalid_argument, [&] {
    Tensor& one = tensor(handle, "the tensor");
    check_pointer(one.value, *view, dtype_of(dtype));
    view->element_size = static_cast<int64_t>(c10::elementSize(dtype_of(dtype)));
    const at::Tensor memory = reachable_memory(one);
    view->data = memory.numel() > 0 ? static_cast<char*>(memory.mutable_data_ptr()) : nothing;
    int64_t dense = view->element_size;
    for (int i = 0; i < view->rank; ++i) {
      view->extents[i] = memory.size(i);
      // Of a dimension of one, the stride is any number.
      view->strides[i] = memory.size(i) > 1 && memory.numel() > 0 ? memory.stride(i) * view->element_size : dense;
      dense = view->strides[i] * std::max<int64_t>(memory.size(i), 1);
    }
  });
}
