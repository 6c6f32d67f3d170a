// SPDX-License-Identifier: MIT
// LibTorch's number of OpenMP threads in a thread of the host, whose own number stays as it is.

#include "thread.h"

#include <ATen/Parallel.h>

#include "guard.h"

// Those of the OpenMP library in the process, if there is one: LibTorch brings its own along.
extern "C" {
[[gnu::weak]] int omp_get_max_threads();
[[gnu::weak]] void omp_set_num_threads(int threads);
}

namespace ftorch {
namespace {

bool has_openmp() { return omp_get_max_threads && omp_set_num_threads; }

}  // namespace

void enter_thread() noexcept {
  register_thread();
  if (!has_openmp()) return;
  const int threads = omp_get_max_threads();
  at::get_num_threads();  // sets LibTorch's own number of threads the first time it is asked for
  omp_set_num_threads(threads);
}

OneThread::OneThread(bool applies) noexcept : threads_(applies && has_openmp() ? omp_get_max_threads() : 0) {
  if (threads_ > 1) omp_set_num_threads(1);
}

OneThread::~OneThread() {
  if (threads_ > 1) omp_set_num_threads(threads_);
}

}  // namespace ftorch
