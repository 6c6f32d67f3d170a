// SPDX-License-Identifier: MIT
// What a write or a wrap costs with 10 and with 100000 tensors that graphs hold: `register` prints a table.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "../src/shim/tensor/array.h"

namespace {

using Handles = std::vector<ft_handle>;

constexpr ft_options constant{7, 0, -1, 0};
constexpr ft_options variable{7, 0, -1, 1};

void require(int status) {
  if (status == ft_ok) return;
  const char* text = "";
  ft_text(&text);
  std::fprintf(stderr, "%s\n", text);
  std::exit(1);
}

/// A tensor over `extent` numbers that lie `step` numbers apart.
ft_handle wrap(double* first, int64_t extent, int64_t step) {
  const ft_view view{reinterpret_cast<char*>(first), sizeof(double), 1, {extent}, {step * 8}};
  ft_handle tensor = nullptr;
  require(ft_view_wrap(&view, nullptr, 0, nullptr, 0, &constant, &tensor));
  return tensor;
}

ft_handle ones(int64_t extent, const ft_options& options) {
  ft_handle tensor = nullptr;
  require(ft_tensor_create(2, 1, &extent, 1, &options, &tensor));
  return tensor;
}

void release(Handles& handles) {
  for (const ft_handle handle : handles) ft_release(handle);
  handles.clear();
}

/// Nanoseconds of one call, the least of some blocks.
template <class F>
double nanoseconds(int calls, const F& call) {
  double least = 1e30;
  for (int block = 0; block < 9; ++block) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < calls; ++i) call();
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - begin;
    least = std::min(least, time.count() / calls);
  }
  return least;
}

enum class Arrangement { apart, columns, columns_and_whole, rows, whole_and_gone };

/// A write of four numbers while a graph holds `count` tensors beside them.
double write(Arrangement arrangement, int count) {
  std::vector<std::vector<double>> arrays;
  std::vector<double> matrix(static_cast<std::size_t>(count) * 4, 1.0);
  Handles tensors, graph;
  const ft_handle w = ones(1, variable), value = ones(4, constant);
  for (int i = 0; i < count; ++i) {
    double* first = arrangement == Arrangement::rows ? &matrix[i] : &matrix[4 * i];
    if (arrangement == Arrangement::apart) first = arrays.emplace_back(4, 1.0).data();
    tensors.push_back(wrap(first, 4, arrangement == Arrangement::rows ? count : 1));
  }
  if (arrangement == Arrangement::columns_and_whole || arrangement == Arrangement::whole_and_gone)
    tensors.push_back(wrap(matrix.data(), static_cast<int64_t>(matrix.size()), 1));
  for (const ft_handle tensor : tensors) {
    graph.push_back(nullptr);
    require(ft_tensor_binary(2, w, tensor, &graph.back()));
  }
  if (arrangement == Arrangement::whole_and_gone) {
    ft_release(tensors.back());
    tensors.pop_back();
  }
  const double time = nanoseconds(2000, [&] { require(ft_tensor_assign(&tensors[count / 2], value, 0)); });
  release(tensors);
  release(graph);
  ft_release(w);
  ft_release(value);
  return time;
}

/// Wraps per second of `threads` threads, each with an array of its own.
double wraps(int threads) {
  constexpr int count = 400000;
  const auto work = [] {
    std::vector<double> array(16);
    for (int i = 0; i < count; ++i) ft_release(wrap(array.data(), 16, 1));
  };
  double most = 0;
  for (int block = 0; block < 5; ++block) {
    const auto begin = std::chrono::steady_clock::now();
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) all.emplace_back(work);
    for (std::thread& one : all) one.join();
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    most = std::max(most, threads * count / time.count());
  }
  return most;
}

/// One array wrapped, multiplied and released `count` times under one graph: nanoseconds each.
double wraps_under_graph(int count) {
  std::vector<double> array(16, 1.0);
  Handles graph;
  const ft_handle w = ones(16, variable);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < count; ++i) {
    const ft_handle x = wrap(array.data(), 16, 1);
    graph.push_back(nullptr);
    require(ft_tensor_binary(2, w, x, &graph.back()));
    ft_release(x);
  }
  const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - begin;
  release(graph);
  ft_release(w);
  return time.count() / count;
}

void row(const std::string& what, double few, double many) {
  std::printf("| %s | %.0f ns | %.0f ns | %.2f |\n", what.c_str(), few, many, many / few);
}

}  // namespace

int main() {
  std::printf("| tensors that a graph holds | 10 | 100000 | ratio |\n|---|---|---|---|\n");
  const std::pair<Arrangement, const char*> arrangements[] = {
      {Arrangement::apart, "write, arrays apart"},
      {Arrangement::columns, "write, columns of a matrix"},
      {Arrangement::columns_and_whole, "write, columns below a tensor over all"},
      {Arrangement::rows, "write, rows of a matrix"},
      {Arrangement::whole_and_gone, "write, columns after a tensor over all"}};
  for (const auto& [arrangement, name] : arrangements) row(name, write(arrangement, 10), write(arrangement, 100000));
  row("wrap, multiply and release one array (1000, 16000)", wraps_under_graph(1000), wraps_under_graph(16000));
  const double one = wraps(1), two = wraps(2);
  std::printf("\nwraps per second on one and on two threads: %.0f, %.0f (%.2f times)\n", one, two, two / one);
}
