// SPDX-License-Identifier: MIT
// LibTorch's first steps in a thread, without its change to the host's number of OpenMP threads.

#include <ATen/Parallel.h>

#include "guard.h"

// Those of the OpenMP library in the process, if there is one: LibTorch brings its own along.
extern "C" {
[[gnu::weak]] int omp_get_max_threads();
[[gnu::weak]] void omp_set_num_threads(int threads);
}

namespace ftorch {

void enter_thread() noexcept {
  thread_entered = true;
  if (!omp_get_max_threads || !omp_set_num_threads) return;
  const int threads = omp_get_max_threads();
  at::get_num_threads();  // sets LibTorch's own number of threads the first time it is asked for
  omp_set_num_threads(threads);
}

}  // namespace ftorch
