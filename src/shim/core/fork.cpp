// SPDX-License-Identifier: MIT
// Child processes have none of the threads that their parent's OpenMP library counts on, and would wait for them.

#include <pthread.h>

#include "core/thread.h"

// Those of the OpenMP library in the process, if there is one.
extern "C" {
[[gnu::weak]] int omp_in_parallel();
[[gnu::weak]] int omp_pause_resource_all(int kind);
}

namespace ftorch {
namespace {

/// They are made anew, by parent and child, when they are needed again.
void end_idle_threads() {
  constexpr int soft = 1;
  if (omp_in_parallel && omp_pause_resource_all && !omp_in_parallel()) omp_pause_resource_all(soft);
}

}  // namespace

void prepare_for_forks() noexcept {
  [[maybe_unused]] static const int registered = pthread_atfork(end_idle_threads, nullptr, nullptr);
}

}  // namespace ftorch
