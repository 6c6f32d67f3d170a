/* SPDX-License-Identifier: MIT */
/* Floating-point exceptions that the host traps do not stop it inside LibTorch, and are trapped again afterwards. */

#define _GNU_SOURCE
#include <fenv.h>
#include <ftorch.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static sigjmp_buf trapped;

static void on_trap(int number)
{
  (void)number;
  siglongjmp(trapped, 1);
}

static int host_is_trapped(void)
{
  volatile double zero = 0, result;
  if (sigsetjmp(trapped, 1)) return 1;
  result = 1 / zero;
  (void)result;
  return 0;
}

/* 1/0, 0/0 and overflow in every element of a tensor. */
static int raise_in_library(void)
{
  const int64_t shape[] = {3000000};
  const ft_options options = {7, 0, -1, 0};
  const ft_scalar huge = {1e300, 0, 1};
  ft_handle zero = NULL, one = NULL, results[3] = {NULL};
  if (ft_tensor_create(1, 1, shape, 1, &options, &zero)) return 1;
  if (ft_tensor_create(2, 1, shape, 1, &options, &one)) return 2;
  if (ft_tensor_binary(3, one, zero, &results[0])) return 3;
  if (ft_tensor_binary(3, zero, zero, &results[1])) return 4;
  if (ft_tensor_binary_right(2, one, &huge, &results[2])) return 5;
  if (ft_tensor_binary(2, results[2], results[2], &results[2])) return 6;
  for (int i = 0; i < 3; ++i) ft_release(results[i]);
  ft_release(zero);
  ft_release(one);
  return 0;
}

/* Makes the OpenMP workers, which inherit the traps, or asks each for its traps. */
static int workers_trap(int traps)
{
  int all = 1;
  (void)traps;
#ifdef _OPENMP
#pragma omp parallel reduction(&& : all)
  all = fegetexcept() == traps;
#endif
  return all;
}

int main(void)
{
  const int traps = FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW;
  signal(SIGFPE, on_trap);
  feenableexcept(traps);
  if (!workers_trap(traps)) fprintf(stderr, "the workers do not inherit the traps: nothing is tested in them\n");
  const int failed = sigsetjmp(trapped, 1) ? -1 : raise_in_library();
  if (failed) fprintf(stderr, "inside the library: %d\n", failed);
  if (fegetexcept() != traps) {
    fprintf(stderr, "the host's traps are %d instead of %d\n", fegetexcept(), traps);
    return 1;
  }
  if (!workers_trap(traps)) {
    fprintf(stderr, "the host's traps are lost in its OpenMP workers\n");
    return 1;
  }
  if (!host_is_trapped()) {
    fprintf(stderr, "the host is not trapped any more\n");
    return 1;
  }
  return failed != 0;
}
