/* SPDX-License-Identifier: MIT */
/* Array descriptors, as a Fortran program passes them: sections in place, what cannot be wrapped refused. */

#include <ISO_Fortran_binding.h>
#include <ftorch.h>
#include <stdio.h>
#include <string.h>

typedef CFI_CDESC_T(CFI_MAX_RANK) descriptor;

static int failures = 0;

static void expect(int ok, const char *what)
{
  if (ok) return;
  const char *text;
  ++failures;
  const int length = (int)ft_text(&text);
  fprintf(stderr, "%s (last text: %.*s)\n", what, length, text);
}

/* A descriptor with byte strides of any kind, which CFI_section would not make. */
static CFI_cdesc_t *describe(descriptor *place, void *data, size_t size, int rank, const CFI_index_t *extents,
                             const CFI_index_t *strides)
{
  CFI_cdesc_t *array = (CFI_cdesc_t *)place;
  memset(place, 0, sizeof *place);
  array->base_addr = data;
  array->elem_len = size;
  array->version = CFI_VERSION;
  array->rank = (CFI_rank_t)rank;
  array->attribute = CFI_attribute_other;
  array->type = CFI_type_other;
  for (int i = 0; i < rank; ++i) {
    array->dim[i].extent = extents[i];
    array->dim[i].sm = strides[i];
  }
  return array;
}

static const ft_options float32 = {6, 0, -1, 0};

static int wrap(CFI_cdesc_t *array, ft_handle *out)
{
  return ft_tensor_from_array(array, NULL, NULL, 0, NULL, 0, &float32, out);
}

static void sections(void)
{
  float data[24] = {0}, out[6] = {0};
  descriptor place;
  ft_handle tensor = NULL;
  int64_t strides[2];
  /* x(1:3:2, 2:6:2) of x(4,6) */
  CFI_cdesc_t *section = describe(&place, data + 4, 4, 2, (CFI_index_t[]){2, 3}, (CFI_index_t[]){8, 32});
  expect(wrap(section, &tensor) == ft_ok, "a section is wrapped");
  expect(ft_tensor_strides(tensor, strides) == ft_ok && strides[0] == 2 && strides[1] == 8, "strides of a section");
  for (int i = 0; i < 24; ++i) data[i] = (float)i;
  CFI_cdesc_t *plain = describe(&place, out, 4, 2, (CFI_index_t[]){2, 3}, (CFI_index_t[]){4, 8});
  expect(ft_tensor_to_array(tensor, plain, NULL, 6) == ft_ok, "copied out");
  expect(out[0] == 4 && out[1] == 6 && out[2] == 12 && out[5] == 22, "values of a section");
  CFI_cdesc_t *backwards = describe(&place, out + 5, 4, 2, (CFI_index_t[]){2, 3}, (CFI_index_t[]){-4, -8});
  expect(ft_tensor_to_array(tensor, backwards, NULL, 6) == ft_ok, "copied out backwards");
  expect(out[5] == 4 && out[4] == 6 && out[3] == 12 && out[0] == 22, "values backwards");
  ft_release(tensor);
}

static void refused(void)
{
  float data[24] = {0};
  descriptor place;
  ft_handle tensor = NULL;
  const CFI_index_t extents[] = {4, 2};
  expect(wrap(describe(&place, data + 3, 4, 1, extents, (CFI_index_t[]){-4}), &tensor) == ft_invalid_argument,
         "a negative stride is refused");
  expect(wrap(describe(&place, data, 4, 1, extents, (CFI_index_t[]){6}), &tensor) == ft_invalid_argument,
         "a stride that is no multiple of the element is refused");
  expect(wrap(describe(&place, data, 4, 2, (CFI_index_t[]){4, -1}, (CFI_index_t[]){4, 16}), &tensor) ==
             ft_invalid_argument,
         "an assumed size is refused");
  expect(wrap(describe(&place, data, 8, 1, extents, (CFI_index_t[]){8}), &tensor) == ft_dtype_mismatch,
         "an element of another size is refused");
  expect(wrap(describe(&place, NULL, 4, 1, extents, (CFI_index_t[]){4}), &tensor) == ft_invalid_argument,
         "no memory is refused");
  expect(wrap(NULL, &tensor) == ft_invalid_argument, "no descriptor is refused");
  expect(ft_tensor_to_array(NULL, NULL, NULL, 6) == ft_invalid_argument, "no descriptor is refused for copying out");
  expect(tensor == NULL && ft_tensor_live() == 0, "nothing was made");
}

/* Extents of 0 and 1, where strides mean nothing. */
static void degenerate(void)
{
  float data[4] = {1, 2, 3, 4};
  descriptor place;
  ft_handle tensor = NULL;
  int64_t shape[15];
  expect(wrap(describe(&place, NULL, 4, 2, (CFI_index_t[]){0, 3}, (CFI_index_t[]){4, 0}), &tensor) == ft_ok,
         "an empty array is wrapped");
  expect(ft_tensor_shape(tensor, shape) == ft_ok && shape[0] == 0 && shape[1] == 3, "shape of an empty array");
  ft_release(tensor);
  const int32_t turned[] = {2, 1};
  CFI_cdesc_t *empty = describe(&place, data, 4, 2, (CFI_index_t[]){0, 3}, (CFI_index_t[]){-4, 5});
  expect(ft_tensor_from_array(empty, NULL, turned, 2, NULL, 0, &float32, &tensor) == ft_ok,
         "neither layout nor strides of an empty array matter");
  ft_release(tensor);
  expect(wrap(describe(&place, data, 4, 2, (CFI_index_t[]){1, 2}, (CFI_index_t[]){-3, 8}), &tensor) == ft_ok,
         "a stride of one element means nothing");
  ft_release(tensor);
  CFI_index_t extents[15], strides[15];
  for (int i = 0; i < 15; ++i) extents[i] = 1, strides[i] = 4;
  expect(wrap(describe(&place, data, 4, 15, extents, strides), &tensor) == ft_ok, "rank 15 is wrapped");
  int32_t rank = 0;
  expect(ft_tensor_rank(tensor, &rank) == ft_ok && rank == 15, "rank 15");
  ft_release(tensor);
  expect(wrap(describe(&place, data, 4, 0, NULL, NULL), &tensor) == ft_ok, "a scalar is wrapped");
  ft_release(tensor);
}

/* Strides in units of a component of 4 bytes in a type of 12, as gfortran 11 gives them, of an array of 28.8 GB. */
static void units(void)
{
  float data[1] = {0};
  descriptor place;
  ft_handle tensor = NULL;
  int64_t strides[3] = {0};
  const CFI_index_t extents[] = {30000, 40000, 2}, component[] = {4, 120000, 4800000000};
  int64_t reach = 0;
  for (int i = 0; i < 3; ++i) reach += (extents[i] - 1) * component[i];
  const void *last = (const void *)((uintptr_t)data + (uintptr_t)(3 * reach));
  CFI_cdesc_t *array = describe(&place, data, 4, 3, extents, component);
  expect(ft_tensor_from_array(array, last, NULL, 0, NULL, 0, &float32, &tensor) == ft_ok, "a component is wrapped");
  ft_tensor_strides(tensor, strides);
  expect(strides[0] == 3 && strides[1] == 90000 && strides[2] == 3600000000, "strides are those of the type");
  ft_release(tensor);
}

static void orders(void)
{
  float data[6] = {0, 1, 2, 3, 4, 5};
  descriptor place;
  ft_handle tensor = NULL;
  int64_t shape[2], strides[2];
  const int32_t turned[] = {2, 1}, twice[] = {1, 1};
  CFI_cdesc_t *array = describe(&place, data, 4, 2, (CFI_index_t[]){2, 3}, (CFI_index_t[]){4, 8});
  expect(ft_tensor_from_array(array, NULL, turned, 2, NULL, 0, &float32, &tensor) == ft_ok, "layout");
  ft_tensor_strides(tensor, strides);
  ft_tensor_shape(tensor, shape);
  expect(shape[0] == 2 && shape[1] == 3 && strides[0] == 3 && strides[1] == 1, "layout [2,1] is row-major");
  ft_release(tensor);
  expect(ft_tensor_from_array(array, NULL, NULL, 0, turned, 2, &float32, &tensor) == ft_ok, "permute_dims");
  ft_tensor_strides(tensor, strides);
  ft_tensor_shape(tensor, shape);
  expect(shape[0] == 3 && shape[1] == 2 && strides[0] == 2 && strides[1] == 1, "permute_dims turns shape and strides");
  ft_release(tensor);
  tensor = NULL;
  expect(ft_tensor_from_array(array, NULL, twice, 2, NULL, 0, &float32, &tensor) == ft_invalid_argument,
         "no permutation");
  expect(ft_tensor_from_array(array, NULL, turned, 1, NULL, 0, &float32, &tensor) == ft_invalid_argument,
         "layout too short");
  array->dim[1].sm = 16;
  expect(ft_tensor_from_array(array, NULL, turned, 2, NULL, 0, &float32, &tensor) == ft_invalid_argument,
         "layout of a section is refused");
}

int main(void)
{
  sections();
  refused();
  degenerate();
  units();
  orders();
  expect(ft_tensor_live() == 0, "nothing is left");
  return failures > 0;
}
