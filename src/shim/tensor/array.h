/* SPDX-License-Identifier: MIT */
/* A Fortran array in plain C: what the descriptor of any compiler says, for the entries in array.cpp. */
#ifndef FTORCH_ARRAY_H
#define FTORCH_ARRAY_H

#include "ftorch.h"

#ifdef __cplusplus
extern "C" {
#endif
#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif

enum { ft_max_rank = 15 };

/* Extents from the first dimension on, -1 where unknown; strides in bytes, of either sign. */
typedef struct {
  char *data;
  int64_t element_size;
  int rank;
  int64_t extents[ft_max_rank];
  int64_t strides[ft_max_rank];
} ft_view;

/* What a descriptor says; last is as in ft_tensor_from_array. */
ft_view ft_view_of(const ft_array *array, const void *last);

int ft_view_wrap(const ft_view *view, const int32_t *layout, int64_t layout_size, const int32_t *permute_dims,
                 int64_t permute_dims_size, const ft_options *options, ft_handle *out);
int ft_view_fill(const ft_view *view, ft_handle tensor, int dtype);
/* Fills a view that has a rank with the place of a tensor's numbers. */
int ft_view_point(ft_handle tensor, int dtype, ft_view *view);

#ifdef __GNUC__
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
