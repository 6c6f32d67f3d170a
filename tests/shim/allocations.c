/* SPDX-License-Identifier: MIT */
/* A step that runs out of memory, wherever it does, leaves parameters and state as they were: the next step is that of an
   optimizer that was not disturbed. */

#define _GNU_SOURCE
#include <errno.h>
#include <ftorch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__libc_malloc(size_t size);
void *__libc_memalign(size_t alignment, size_t size);

/* Allocations of this thread until the one that fails; 0 when none does. */
static _Thread_local int countdown = 0;

static int fails(void) { return countdown > 0 && --countdown == 0; }

void *malloc(size_t size)
{
  if (!fails()) return __libc_malloc(size);
  errno = ENOMEM;
  return NULL;
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
  if (fails()) return ENOMEM;
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}

enum { extent = 6, parameters = 4, steps = 3 };

/* What a descriptor says (array.h). */
typedef struct {
  void *data;
  int64_t element_size;
  int rank;
  int64_t extents[15];
  int64_t strides[15];
} view;

int ft_view_wrap(const view *array, const int32_t *layout, int64_t layout_size, const int32_t *permute_dims,
                 int64_t permute_dims_size, const ft_options *options, ft_handle *out);

/* An optimizer over arrays: plain, with gaps, complex, and one that another tensor's graph holds. */
typedef struct {
  double numbers[parameters][2 * extent];
  ft_handle tensors[parameters], other, optim;
} training;

static void must(int status, const char *what)
{
  const char *text;
  if (status == ft_ok) return;
  ft_text(&text);
  fprintf(stderr, "%s: %s\n", what, text);
  exit(2);
}

static void wrap(double *numbers, int64_t stride, int dtype, int requires_grad, ft_handle *out)
{
  const int64_t size = dtype == 10 ? 16 : 8;
  const view array = {numbers, size, 1, {extent}, {stride * 8}};
  const ft_options options = {dtype, 0, -1, requires_grad};
  must(ft_view_wrap(&array, NULL, 0, NULL, 0, &options, out), "wrap");
}

static void begin(training *one, int number)
{
  static const double hyperparameters[][7] = {
      {0.1, 0.9, 0.1, 0.5, 0}, {0.1, 0.9, 0.999, 1e-8, 0, 1}, {0.1, 0.9, 0.999, 1e-8, 1e-2, 0}};
  memset(one, 0, sizeof(*one));
  for (int i = 0; i < parameters; ++i)
    for (int j = 0; j < 2 * extent; ++j) one->numbers[i][j] = i + 0.1 * j + 1;
  for (int i = 0; i < parameters; ++i)
    wrap(one->numbers[i], i == 1 || i == 2 ? 2 : 1, i == 2 ? 10 : 7, 1, &one->tensors[i]);
  wrap(one->numbers[3], 1, 7, 0, &one->other);
  must(ft_optim_create(number, one->tensors, parameters, hyperparameters[number], number ? 7 : 6, &one->optim),
       "create");
}

static void end(training *one)
{
  for (int i = 0; i < parameters; ++i) ft_release(one->tensors[i]);
  ft_release(one->other);
  ft_release(one->optim);
}

/* Gradients 2x; `held` is a graph over the last array, by way of a tensor that is no leaf. */
static void differentiate(training *one, ft_handle *held)
{
  must(ft_optim_zero_gradient(one->optim), "zero_gradient");
  for (int i = 0; i < parameters; ++i) {
    ft_handle square = NULL;
    must(ft_tensor_binary(2, one->tensors[i], one->tensors[i], &square), "square");
    ft_handle seed = NULL;
    must(ft_tensor_binary(3, one->tensors[i], one->tensors[i], &seed), "ones");
    must(ft_tensor_backward(square, seed, 0), "backward");
    ft_release(square);
    ft_release(seed);
  }
  must(ft_tensor_binary(2, one->other, one->tensors[0], held), "graph");
}

static void step(training *one)
{
  ft_handle held = NULL;
  differentiate(one, &held);
  must(ft_optim_step(one->optim), "step");
  ft_release(held);
}

/* The step in which allocation n fails, and again if it did not happen. Returns whether there was such an allocation. */
static int disturbed_step(training *one, int n)
{
  double before[parameters][2 * extent];
  ft_handle held = NULL;
  differentiate(one, &held);
  memcpy(before, one->numbers, sizeof(before));
  countdown = n;
  const int status = ft_optim_step(one->optim);
  const int is_spared = countdown > 0;
  countdown = 0;
  if (status == ft_out_of_memory) {
    if (memcmp(before, one->numbers, sizeof(before))) {
      fprintf(stderr, "a parameter has changed\n");
      exit(1);
    }
    must(ft_optim_step(one->optim), "the step after it");
  } else {
    must(status, "a step without memory");
  }
  ft_release(held);
  return !is_spared;
}

/* Steps of which one is disturbed in allocation n, beside the same steps undisturbed. */
static int compare(int number, int disturbed, int n)
{
  training one, other;
  int is_disturbed = 0;
  begin(&one, number);
  begin(&other, number);
  for (int i = 0; i < steps; ++i) {
    step(&other);
    if (i == disturbed) is_disturbed = disturbed_step(&one, n);
    else step(&one);
    if (!memcmp(one.numbers, other.numbers, sizeof(one.numbers))) continue;
    fprintf(stderr, "optimizer %d: step %d differs after failure %d in step %d\n", number, i, n, disturbed);
    exit(1);
  }
  end(&one);
  end(&other);
  return is_disturbed;
}

int main(void)
{
  for (int number = 0; number < 3; ++number) {
    for (int disturbed = 0; disturbed < steps; ++disturbed) {
      int n = 1;
      while (compare(number, disturbed, n)) ++n;
      printf("optimizer %d, step %d: %d allocations\n", number, disturbed, n - 1);
      if (n == 1) return 1;
    }
  }
  return 0;
}
