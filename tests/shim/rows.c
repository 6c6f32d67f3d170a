/* SPDX-License-Identifier: MIT */
/* Threads on one matrix: each on a row of its own, of which graphs keep the numbers, and all as readers of one row. */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../src/shim/tensor/array.h"

enum { threads = 4, columns = 3 };

static double matrix[columns][threads];
static int rounds = 300;

static void expect(int holds, const char *what)
{
  if (holds) return;
  const char *text = "";
  ft_text(&text);
  fprintf(stderr, "%s: %s\n", what, text);
  exit(1);
}

static ft_handle row_of(int thread)
{
  const ft_view view = {(char *)&matrix[0][thread], sizeof(double), 1, {columns}, {threads * sizeof(double)}};
  const ft_options place = {7, 0, -1, 0};
  ft_handle row = NULL;
  expect(ft_view_wrap(&view, NULL, 0, NULL, 0, &place, &row) == ft_ok, "wrap");
  return row;
}

static ft_handle filled(double value, int requires_grad)
{
  const int64_t shape[] = {columns};
  const ft_options place = {7, 0, -1, requires_grad}, constant = {7, 0, -1, 0};
  const ft_scalar number = {value - 1, 0, 1};
  ft_handle ones = NULL, result = NULL;
  if (requires_grad) {
    expect(ft_tensor_create(2, 1, shape, 1, &place, &result) == ft_ok, "create");
    return result;
  }
  expect(ft_tensor_create(2, 1, shape, 1, &constant, &ones) == ft_ok, "create");
  expect(ft_tensor_binary_right(0, ones, &number, &result) == ft_ok, "add");
  ft_release(ones);
  return result;
}

/* y = w*row, and then the row changes: the gradient of w is what the row was. */
static void *work(void *argument)
{
  const int thread = (int)(intptr_t)argument;
  ft_handle row = row_of(thread);
  for (int round = 1; round <= rounds; ++round) {
    const double before = matrix[0][thread];
    ft_handle w = filled(1, 1), seed = filled(1, 0), next = filled(1000.0 * thread + round, 0);
    ft_handle y = NULL, gradient = NULL;
    expect(ft_tensor_binary(2, w, row, &y) == ft_ok, "multiply");
    if (round % 3 == 0) {
      ft_release(row);
      row = row_of(thread);
    }
    expect(ft_tensor_assign(&row, next, 0) == ft_ok, "assign");
    expect(ft_tensor_backward(y, seed, 0) == ft_ok, "backward");
    expect(ft_tensor_gradient(w, &gradient) == ft_ok, "gradient");
    double got[columns];
    const ft_view view = {(char *)got, sizeof(double), 1, {columns}, {sizeof(double)}};
    expect(ft_view_fill(&view, gradient, 7) == ft_ok, "fill");
    for (int i = 0; i < columns; ++i) {
      expect(got[i] == before, "a gradient");
      expect(matrix[i][thread] == 1000.0 * thread + round, "the row");
    }
    ft_release(w);
    ft_release(seed);
    ft_release(next);
    ft_release(y);
    ft_release(gradient);
  }
  ft_release(row);
  return NULL;
}

/* y = w*row in each thread: one tensor in many graphs, and in operations without one. */
static void *read_shared(void *row)
{
  for (int round = 0; round < rounds; ++round) {
    ft_handle w = filled(1, 1), seed = filled(1, 0), y = NULL, gradient = NULL, square = NULL;
    expect(ft_tensor_binary(2, w, row, &y) == ft_ok, "multiply");
    expect(ft_tensor_binary(2, row, row, &square) == ft_ok, "square");
    expect(ft_tensor_backward(y, seed, 0) == ft_ok, "backward");
    expect(ft_tensor_gradient(w, &gradient) == ft_ok, "gradient");
    double got[columns], squared[columns];
    const ft_view view = {(char *)got, sizeof(double), 1, {columns}, {sizeof(double)}};
    const ft_view square_view = {(char *)squared, sizeof(double), 1, {columns}, {sizeof(double)}};
    expect(ft_view_fill(&view, gradient, 7) == ft_ok, "fill");
    expect(ft_view_fill(&square_view, square, 7) == ft_ok, "fill");
    for (int i = 0; i < columns; ++i) {
      expect(got[i] == matrix[i][0], "a gradient");
      expect(squared[i] == matrix[i][0] * matrix[i][0], "a square");
    }
    ft_release(w);
    ft_release(seed);
    ft_release(y);
    ft_release(gradient);
    ft_release(square);
  }
  return NULL;
}

int main(int count, char **arguments)
{
  pthread_t ids[threads];
  if (count > 1) rounds = atoi(arguments[1]);
  for (int thread = 0; thread < threads; ++thread) pthread_create(&ids[thread], NULL, work, (void *)(intptr_t)thread);
  for (int thread = 0; thread < threads; ++thread) pthread_join(ids[thread], NULL);
  ft_handle row = row_of(0);
  for (int thread = 0; thread < threads; ++thread) pthread_create(&ids[thread], NULL, read_shared, row);
  for (int thread = 0; thread < threads; ++thread) pthread_join(ids[thread], NULL);
  ft_release(row);
  return 0;
}
