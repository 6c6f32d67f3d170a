/* SPDX-License-Identifier: MIT */
/* Small tensors open no OpenMP region, in steps of optimizers and elsewhere; large ones do. With OMP_NUM_THREADS=2. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <ftorch.h>
#include <stdio.h>
#include <stdlib.h>

static int regions = 0, failures = 0;

/* Stands before libgomp's. */
void GOMP_parallel(void (*function)(void *), void *data, unsigned threads, unsigned flags)
{
  static void (*next)(void (*)(void *), void *, unsigned, unsigned) = NULL;
  if (!next) *(void **)&next = dlsym(RTLD_NEXT, "GOMP_parallel");
  if (!next) abort();
  ++regions;
  next(function, data, threads, flags);
}

static void must(int status, const char *what)
{
  const char *text;
  if (status == ft_ok) return;
  ft_text(&text);
  fprintf(stderr, "%s: %s\n", what, text);
  exit(2);
}

static void expect(int is_large, const char *what, int64_t extent)
{
  if (is_large ? regions > 0 : regions == 0) return;
  ++failures;
  fprintf(stderr, "%s of %lld elements opens %d regions\n", what, (long long)extent, regions);
}

static ft_handle ones(int64_t extent, int dtype, int requires_grad)
{
  const ft_options options = {dtype, 0, -1, requires_grad};
  ft_handle made = NULL;
  must(ft_tensor_create(2, 1, &extent, 1, &options, &made), "create");
  return made;
}

static void step(int number, int64_t extent, int dtype, int is_large)
{
  static const char *const names[] = {"a step of SGD", "a step of Adam", "a step of AdamW"};
  static const double hyperparameters[][7] = {
      {1e-3, 0.9, 0, 0, 0}, {1e-3, 0.9, 0.999, 1e-8, 0, 0}, {1e-3, 0.9, 0.999, 1e-8, 1e-2, 0}};
  const ft_handle parameters[] = {ones(extent, dtype, 1), ones(3, dtype, 1)};
  ft_handle optim = NULL;
  must(ft_optim_create(number, parameters, 2, hyperparameters[number], number ? 7 : 6, &optim), "optimizer");
  for (int i = 0; i < 2; ++i) must(ft_tensor_backward(parameters[i], parameters[i], 0), "backward");
  for (int i = 0; i < 2; ++i) {
    regions = 0;
    must(ft_optim_step(optim), "step");
    expect(is_large, names[number], extent);
  }
  for (int i = 0; i < 2; ++i) ft_release(parameters[i]);
  ft_release(optim);
}

/* Operators, a loss, backward, gradient and copies. */
static void calculate(int64_t extent)
{
  const ft_handle x = ones(extent, 6, 1), y = ones(extent, 6, 0);
  ft_handle product = NULL, loss = NULL, gradient = NULL, copy = NULL;
  regions = 0;
  must(ft_tensor_binary(2, x, y, &product), "product");
  must(ft_loss(0, product, y, NULL, 0, NULL, 0, 1, &loss), "loss");
  must(ft_tensor_backward(loss, NULL, 0), "backward");
  must(ft_tensor_gradient(x, &gradient), "gradient");
  must(ft_tensor_assign(&copy, gradient, 0), "assignment");
  must(ft_tensor_zero_gradient(x), "zero_gradient");
  expect(0, "a loss and its gradient", extent);
  ft_release(x);
  ft_release(y);
  ft_release(product);
  ft_release(loss);
  ft_release(gradient);
  ft_release(copy);
}

/* Class probabilities: softmax over two rows. */
static void classify(void)
{
  const int64_t shape[] = {2, 3};
  const ft_options options = {6, 0, -1, 0};
  /* Cross entropy, the third, takes a weight, a number that does not count, and a smoothing. */
  const ft_handle weight[] = {NULL};
  const double values[] = {-100, 0};
  ft_handle x = NULL, loss = NULL;
  must(ft_tensor_create(2, 2, shape, 2, &options, &x), "create");
  for (int number = 0; number < 3; ++number) {
    regions = 0;
    must(ft_loss(number, x, x, weight, number == 2, values, number == 2 ? 2 : 0, 1, &loss), "loss");
    expect(0, "a loss", 6);
  }
  ft_release(x);
  ft_release(loss);
}

int main(void)
{
  const int real32 = 6, real64 = 7, complex64 = 9;
  for (int number = 0; number < 3; ++number) {
    const int64_t small[] = {1, 17, 1000, 32768};
    for (int i = 0; i < 4; ++i) step(number, small[i], real32, 0);
    step(number, 32768, real64, 0);
    step(number, 16384, complex64, 0);
    step(number, 32769, real32, 1);
    step(number, 16385, complex64, 1);
    step(number, 1000000, real64, 1);
    step(number, 1000, real32, 0);
  }
  calculate(1000);
  calculate(32768);
  classify();
  return failures > 0;
}
