/* SPDX-License-Identifier: MIT */
/* Reads the descriptor of a Fortran array; compiled with the ISO_Fortran_binding.h of the Fortran compiler at hand. */

#include <ISO_Fortran_binding.h>
#include <stddef.h>

#include "tensor/array.h"

static int64_t greatest_common_divisor(int64_t a, int64_t b)
{
  while (b != 0) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/* The strides reach from the first to the last element. gfortran 11 gives those of a section of one component in units of
   the component and not of the type around it; the address of the last element shows the unit. Both lengths are reduced
   to their ratio, because a stride times a length of some gigabytes overflows. */
ft_view ft_view_of(const ft_array *array, const void *last)
{
  ft_view view;
  view.data = array->base_addr;
  view.element_size = (int64_t)array->elem_len;
  view.rank = array->rank;
  int64_t reach = 0;
  for (int i = 0; i < array->rank && i < ft_max_rank; ++i) {
    /* A pointer knows all its extents; gfortran 11 gives -1 for a last one of 0. */
    const int is_empty = array->attribute == CFI_attribute_pointer && array->dim[i].extent < 0;
    view.extents[i] = is_empty ? 0 : array->dim[i].extent;
    view.strides[i] = array->dim[i].sm;
    reach += (array->dim[i].extent - 1) * array->dim[i].sm;
  }
  if (last == NULL || reach == 0) return view;
  const int64_t distance = (const char *)last - (const char *)array->base_addr;
  if (distance == reach) return view;
  const int64_t unit = greatest_common_divisor(distance, reach);
  for (int i = 0; i < array->rank && i < ft_max_rank; ++i)
    view.strides[i] = view.strides[i] * (distance / unit) / (reach / unit);
  return view;
}

int ft_tensor_from_array(ft_array *array, const void *last, const int32_t *layout, int64_t layout_size,
                         const int32_t *permute_dims, int64_t permute_dims_size, const ft_options *options,
                         ft_handle *out)
{
  if (array == NULL) return ft_fail(ft_invalid_argument, "array is a null pointer");
  const ft_view view = ft_view_of(array, last);
  return ft_view_wrap(&view, layout, layout_size, permute_dims, permute_dims_size, options, out);
}

int ft_tensor_to_array(ft_handle tensor, ft_array *array, const void *last, int dtype)
{
  if (array == NULL) return ft_fail(ft_invalid_argument, "array is a null pointer");
  const ft_view view = ft_view_of(array, last);
  return ft_view_fill(&view, tensor, dtype);
}

/* gfortran 11 describes a pointer to a complex scalar wrongly, so that rank and length are not taken from there. */
int ft_tensor_to_pointer(ft_handle tensor, ft_array *pointer, int dtype, int rank)
{
  if (pointer == NULL) return ft_fail(ft_invalid_argument, "pointer is a null pointer");
  ft_view view = {NULL, 0, rank, {0}, {0}};
  const int status = ft_view_point(tensor, dtype, &view);
  if (status != ft_ok) return status;
  pointer->base_addr = view.data;
  for (int i = 0; i < view.rank; ++i) {
    pointer->dim[i].lower_bound = 1;
    pointer->dim[i].extent = view.extents[i];
    pointer->dim[i].sm = view.strides[i];
  }
  return status;
}
