// SPDX-License-Identifier: MIT
// Host memory of the program as tensors, and tensors back into it.

#include "tensor/array.h"

#include <ATen/core/grad_mode.h>
#include <c10/util/SmallVector.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "core/guard.h"
#include "tensor/alias_registry.h"
#include "tensor/device.h"
#include "tensor/elements.h"
#include "tensor/options.h"
#include "tensor/wrap.h"

using namespace ftorch;

namespace {

using Numbers = c10::SmallVector<int64_t, 8>;
using Permutation = std::span<const int32_t>;

std::string order_text(Permutation order) { return shape_text(std::vector<int64_t>(order.begin(), order.end())); }

/// `order` if it is a permutation from 1 to `rank`.
Permutation permutation(const int32_t* order, int64_t size, std::size_t rank, const char* name) {
  if (size != static_cast<int64_t>(rank))
    fail(ft_invalid_argument,
         std::string(name) + " has " + std::to_string(size) + " entries for " + std::to_string(rank) + " dimensions");
  const Permutation entries(order, rank);
  std::vector<bool> seen(rank, false);
  for (const int32_t entry : entries) {
    if (entry < 1 || entry > static_cast<int32_t>(rank) || seen[entry - 1])
      fail(ft_invalid_argument,
           std::string(name) + " " + order_text(entries) + " is no permutation from 1 to " + std::to_string(rank));
    seen[entry - 1] = true;
  }
  return entries;
}

bool is_empty(at::IntArrayRef shape) { return std::find(shape.begin(), shape.end(), 0) != shape.end(); }

bool is_identity(Permutation order) {
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<int32_t>(i + 1)) return false;
  }
  return true;
}

/// Strides, in elements, of memory in which dimension order[0] varies fastest.
Numbers strides_in_order(at::IntArrayRef shape, Permutation order) {
  Numbers strides(shape.size());
  int64_t next = 1;
  for (const int32_t dimension : order) {
    strides[dimension - 1] = next;
    next *= std::max<int64_t>(shape[dimension - 1], 1);
  }
  return strides;
}

/// A device takes no address that is no multiple of an element.
void check_multiple(const void* data, at::ScalarType dtype) {
  const auto size = static_cast<std::uintptr_t>(c10::elementSize(dtype));
  const auto rest = reinterpret_cast<std::uintptr_t>(data) % size;
  if (rest != 0)
    fail(ft_invalid_argument, "data lies " + std::to_string(rest) + " bytes after a multiple of the " +
                                  std::to_string(size) + " bytes of a " + dtype_name(dtype));
}

ft_handle wrap(void* data, at::IntArrayRef shape, at::IntArrayRef strides, const TensorSpec& spec,
               at::Device memory = at::kCPU) {
  return new_tensor(tensor_over(data, shape, strides, spec, memory));
}

/// A failure about dimension `i`, counted from 0.
[[noreturn]] void fail_dimension(int i, const std::string& what) {
  fail(ft_invalid_argument, "dimension " + std::to_string(i + 1) + " of the array " + what);
}

void check_elements(const ft_view& view, c10::ScalarType dtype) {
  if (view.rank < 0 || view.rank > ft_max_rank)
    fail(ft_invalid_argument, "an array of rank " + std::to_string(view.rank) + " cannot be wrapped");
  if (view.element_size != static_cast<int64_t>(c10::elementSize(dtype)))
    fail(ft_dtype_mismatch, "elements of the array have " + std::to_string(view.element_size) + " bytes, those of " +
                                dtype_name(dtype) + " " + std::to_string(c10::elementSize(dtype)));
  for (int i = 0; i < view.rank; ++i) {
    if (view.extents[i] < 0) fail_dimension(i, "has no known extent (assumed size); pass a section such as x(:, 1:n)");
  }
}

/// Strides of the array in elements, if LibTorch can have them.
Numbers strides_of(const ft_view& view, at::IntArrayRef shape) {
  Numbers strides(view.strides, view.strides + view.rank);
  const bool has_elements = !is_empty(shape);
  for (int i = 0; i < view.rank; ++i) {
    const bool is_used = shape[i] > 1 && has_elements;
    if (is_used && strides[i] <= 0)
      fail_dimension(i, "runs backwards, which PyTorch cannot; wrap a copy, or the forward section");
    if (is_used && strides[i] % view.element_size != 0)
      fail_dimension(i, "has elements " + std::to_string(strides[i]) + " bytes apart, no multiple of their " +
                            std::to_string(view.element_size) + " bytes; wrap a copy");
    strides[i] = strides[i] > 0 && strides[i] % view.element_size == 0 ? strides[i] / view.element_size : 1;
  }
  return strides;
}

void check_contiguous(at::IntArrayRef shape, const Numbers& strides, Permutation layout) {
  if (is_empty(shape)) return;
  int64_t expected = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] > 1 && strides[i] != expected)
      fail(ft_invalid_argument,
           "layout " + order_text(layout) + " needs a contiguous array; use permute_dims for a section");
    expected *= shape[i];
  }
}

template <class Values>
Numbers permuted(const Values& values, Permutation order) {
  Numbers result;
  for (const int32_t dimension : order) result.push_back(values[dimension - 1]);
  return result;
}

/// The numbers of a tensor in the shape and dtype of an array.
at::Tensor reshape_to_target(const at::Tensor& value, at::IntArrayRef shape, at::ScalarType dtype) {
  if (value.sizes() == shape && value.scalar_type() == dtype) return value;
  at::NoGradGuard no_grad;
  return value.reshape(shape).to(dtype);
}

/// True if an array has every number of a tensor, and shows it as what it is: Fortran has no kind for half precision.
bool takes(at::ScalarType array, at::ScalarType tensor) {
  return is_taken(array, tensor) ||
         (c10::isReducedFloatingType(tensor) && (array == at::kFloat || array == at::kDouble));
}

/// Strides of contiguous memory at `data`, which may be null when there are no elements.
Numbers blob_strides(void* data, at::IntArrayRef sizes, const int32_t* layout, int64_t layout_size) {
  if (!sizes.empty()) required(layout, "layout");
  const Permutation order = permutation(layout, layout_size, sizes.size(), "layout");
  if (c10::multiply_integers(sizes) > 0) required(data, "data");
  return strides_in_order(sizes, order);
}

}  // namespace

Tensor ftorch::tensor_over(void* data, at::IntArrayRef shape, at::IntArrayRef strides, const TensorSpec& spec,
                           at::Device memory) {
  Tensor object;
  object.attached = from_external_memory(data, shape, strides, at::TensorOptions(spec.dtype).device(memory));
  const bool is_mirror = memory.is_cpu() && !is_empty(shape) && needs_mirror(data, spec.dtype);
  object.value = is_mirror ? mirror_of(object.attached) : object.attached;
  if (spec.device != memory) object.value = object.value.to(spec.device);
  object.is_mirror = is_mirror && spec.device == memory;
  object.value.set_requires_grad(spec.requires_grad);
  object.has_fixed_spec = object.wraps = true;
  return object;
}

Tensor ftorch::tensor_over(const ft_view& view, const TensorSpec& spec) {
  check_elements(view, spec.dtype);
  const at::IntArrayRef shape(view.extents, static_cast<std::size_t>(view.rank));
  if (c10::multiply_integers(shape) > 0) required(view.data, "data");
  return tensor_over(view.data, shape, strides_of(view, shape), spec);
}

int ft_tensor_from_blob(void* data, int ndims, const int64_t* shape, int64_t shape_size, const int32_t* layout,
                        int64_t layout_size, const ft_options* options, ft_handle* out) {
  return guard(ft_invalid_argument, [&] {
    required(out, "out");
    const TensorSpec spec = parse_options(options);
    const at::IntArrayRef sizes = shape_of(ndims, shape, shape_size, spec.dtype);
    *out = wrap(data, sizes, blob_strides(data, sizes, layout, layout_size), spec);
  });
}

int ft_tensor_from_device_pointer(void* data, int ndims, const int64_t* shape, int64_t shape_size,
                                  const int32_t* layout, int64_t layout_size, const ft_options* options,
                                  ft_handle* out) {
  return guard(ft_invalid_argument, [&] {
    required(out, "out");
    const TensorSpec spec = parse_options(options);
    if (spec.device.is_cpu())
      fail(ft_invalid_argument, "the device is the host, whose memory torch_tensor_from_blob wraps");
    const at::IntArrayRef sizes = shape_of(ndims, shape, shape_size, spec.dtype);
    const Numbers strides = blob_strides(data, sizes, layout, layout_size);
    if (c10::multiply_integers(sizes) > 0) {
      check_address(data, spec.device);
      check_multiple(data, spec.dtype);
    }
    *out = wrap(data, sizes, strides, spec, spec.device);
  });
}

int ft_view_wrap(const ft_view* view, const int32_t* layout, int64_t layout_size, const int32_t* permute_dims,
                 int64_t permute_dims_size, const ft_options* options, ft_handle* out) {
  return guard(ft_invalid_argument, [&] {
    required(out, "out");
    const TensorSpec spec = parse_options(options);
    check_elements(*view, spec.dtype);
    const std::size_t rank = static_cast<std::size_t>(view->rank);
    const at::IntArrayRef shape(view->extents, rank);
    if (c10::multiply_integers(shape) > 0) required(view->data, "data");
    Numbers strides = strides_of(*view, shape);
    if (layout) {
      const Permutation order = permutation(layout, layout_size, rank, "layout");
      if (!is_identity(order)) {
        check_contiguous(shape, strides, order);
        strides = strides_in_order(shape, order);
      }
    }
    if (!permute_dims) {
      *out = wrap(view->data, shape, strides, spec);
    } else {
      const Permutation order = permutation(permute_dims, permute_dims_size, rank, "permute_dims");
      *out = wrap(view->data, permuted(shape, order), permuted(strides, order), spec);
    }
  });
}

int ft_view_fill(const ft_view* view, ft_handle handle, int dtype) {
  return guard(ft_invalid_argument, [&] {
    const at::Tensor& value = tensor(handle, "the tensor").value;
    // The bounds of an array without memory are left over from something else.
    if (!view->data && value.numel() > 0) fail(ft_invalid_argument, "array is not allocated, or not associated");
    check_elements(*view, dtype_of(dtype));
    const at::IntArrayRef shape(view->extents, static_cast<std::size_t>(view->rank));
    if (!takes(dtype_of(dtype), value.scalar_type()))
      fail(ft_dtype_mismatch,
           "the tensor has dtype " + dtype_name(value.scalar_type()) + ", the array " + dtype_name(dtype_of(dtype)));
    if (!is_equal_but_for_ones(value.sizes(), shape))
      fail(ft_shape_mismatch, "the tensor has shape " + shape_text(value.sizes()) + ", the array " + shape_text(shape));
    const Region region{view->data, shape, {view->strides, shape.size()}, view->element_size};
    if (is_over(value, region)) return;
    prepare_write(region);
    copy_out(region, reshape_to_target(value, shape, dtype_of(dtype)));
  });
}
