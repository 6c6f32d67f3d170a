/* SPDX-License-Identifier: MIT */
/* Floating-point exceptions that the host traps do not stop it inside LibTorch, and are trapped again afterwards, in the
   OpenMP workers too, whoever made them. Flags that LibTorch raises do not stay. */

#define _GNU_SOURCE
#include <fenv.h>
#include <ftorch.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef _OPENMP
#include <omp.h>
#endif

enum { traps = FE_DIVBYZERO | FE_INVALID | FE_OVERFLOW };

static sigjmp_buf trapped;
static int failures = 0;

static void expect(int ok, const char *what)
{
  if (ok) return;
  ++failures;
  fprintf(stderr, "%s\n", what);
}

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

static void expect_untrapped_library(void)
{
  const int failed = sigsetjmp(trapped, 1) ? -1 : raise_in_library();
  if (failed) fprintf(stderr, "inside the library: %d\n", failed);
  failures += failed != 0;
  expect(fegetexcept() == traps, "the host's traps are lost");
  expect(fetestexcept(FE_ALL_EXCEPT) == 0, "a flag of the library stays");
}

/* Asks each OpenMP worker for its traps, or makes the workers, which inherit those of the host. */
static void expect_trapped_workers(const char *when)
{
  int all = 1;
#ifdef _OPENMP
#pragma omp parallel reduction(&& : all)
  all = fegetexcept() == traps;
#endif
  if (!all) fprintf(stderr, "%s: ", when);
  expect(all, "the traps are lost in OpenMP workers");
}

static void set_threads(int number)
{
#ifdef _OPENMP
  omp_set_num_threads(number);
#else
  (void)number;
#endif
}

static void workers_of_the_host(void)
{
  expect_trapped_workers("before the library");
  expect_untrapped_library();
  expect_trapped_workers("after the library");
}

static void workers_of_the_library(void)
{
  expect_untrapped_library();
  expect_trapped_workers("made by the library");
  set_threads(4);
  expect_trapped_workers("made after the library");
  expect_untrapped_library();
  expect_trapped_workers("after a second call");
}

static void fewer_workers(void)
{
  set_threads(4);
  expect_trapped_workers("four threads");
  set_threads(1);
  expect_untrapped_library();
  set_threads(4);
  expect_trapped_workers("four threads again");
}

/* Each thread of a region enters the library by itself. */
static void inside_a_region(void)
{
  int all = 1;
#ifdef _OPENMP
#pragma omp parallel num_threads(3) reduction(&& : all)
  {
    const int64_t shape[] = {2};
    const ft_options options = {7, 0, -1, 0};
    const ft_scalar zero = {0, 0, 1};
    ft_handle one = NULL, result = NULL;
    const int failed = ft_tensor_create(2, 1, shape, 1, &options, &one) ||
                       ft_tensor_binary_right(3, one, &zero, &result);
    ft_release(one);
    ft_release(result);
    all = !failed && fegetexcept() == traps && fetestexcept(FE_ALL_EXCEPT) == 0;
  }
#endif
  expect(all, "the traps are lost in a thread that entered the library");
  expect_trapped_workers("after a region that entered the library");
}

static void without_traps(void)
{
  fedisableexcept(FE_ALL_EXCEPT);
  expect(raise_in_library() == 0, "the library failed");
  expect(fetestexcept(FE_ALL_EXCEPT) == 0, "a flag of the library stays without traps");
  feraiseexcept(FE_UNDERFLOW);
  expect(raise_in_library() == 0, "the library failed");
  expect(fetestexcept(FE_ALL_EXCEPT) == FE_UNDERFLOW, "the host's flags are not what they were");
}

/* Each in a process of its own, because workers live on. */
static void (*const cases[])(void) = {workers_of_the_host, workers_of_the_library, fewer_workers, inside_a_region,
                                      without_traps};

int main(void)
{
  int failed = 0;
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; ++i) {
    int status = 1;
    const pid_t child = fork();
    if (child == 0) {
      signal(SIGFPE, on_trap);
      feclearexcept(FE_ALL_EXCEPT);
      feenableexcept(traps);
      cases[i]();
      expect(fegetexcept() == 0 || host_is_trapped(), "the host is not trapped any more");
      _exit(failures > 0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
      fprintf(stderr, "case %u failed\n", i);
      failed = 1;
    }
  }
  return failed;
}
