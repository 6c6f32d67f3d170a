/* SPDX-License-Identifier: MIT */
/* The host's number of OpenMP threads is what it was, in each thread, after large operations of LibTorch. */

#include <ftorch.h>
#include <omp.h>
#include <stdio.h>

static int failures = 0;

static void expect(int got, int wanted, const char *what)
{
  if (got == wanted) return;
  ++failures;
  fprintf(stderr, "%s: %d instead of %d\n", what, got, wanted);
}

static void add_and_negate(int64_t extent)
{
  const int64_t shape[] = {extent};
  const ft_options options = {6, 0, -1, 0};
  ft_handle a = NULL, b = NULL, negative = NULL;
  expect(ft_tensor_create(2, 1, shape, 1, &options, &a), ft_ok, "create");
  expect(ft_tensor_binary(0, a, a, &b), ft_ok, "add");
  expect(ft_tensor_unary(5, b, &negative), ft_ok, "negate");
  ft_release(a);
  ft_release(b);
  ft_release(negative);
}

/* The matrix products of a model from eight numbers to four, large enough to run in parallel. */
static void multiply(const char *filename)
{
  const int64_t shape[] = {100000, 8}, result[] = {100000, 4};
  const ft_options options = {6, 0, -1, 0}, place = {-1, 0, -1, -1};
  ft_handle model = NULL, a = NULL, b = NULL;
  expect(ft_tensor_create(2, 2, shape, 2, &options, &a), ft_ok, "create");
  expect(ft_tensor_create(0, 2, result, 2, &options, &b), ft_ok, "create");
  expect(ft_model_load(filename, &place, 0, &model), ft_ok, "load");
  expect(ft_model_forward(model, &a, 1, &b, 1, 0, NULL), ft_ok, "forward");
  ft_release(a);
  ft_release(b);
  ft_release(model);
}

int main(int count, char **arguments)
{
  if (count != 2) return 2;
  omp_set_num_threads(3);
  add_and_negate(1000000);
  expect(omp_get_max_threads(), 3, "after the first operation");
  multiply(arguments[1]);
  expect(omp_get_max_threads(), 3, "after matrix products");
  omp_set_num_threads(1);
  add_and_negate(1000000);
  expect(omp_get_max_threads(), 1, "after another setting");
#pragma omp parallel num_threads(2)
  {
    omp_set_num_threads(5);
    add_and_negate(1000000);
    expect(omp_get_max_threads(), 5, "in a thread of a parallel region");
  }
  expect(omp_get_max_threads(), 1, "after the parallel region");
  return failures > 0;
}
