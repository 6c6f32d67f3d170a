// SPDX-License-Identifier: MIT
// Floating-point traps of the host, off while LibTorch works.

#include "traps.h"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace ftorch {
namespace {

thread_local std::fenv_t worker_environment;

/// Calls `change` in each OpenMP worker of this thread. LibTorch uses them, and the host may have used them before,
/// with its traps.
template <class F>
void in_workers([[maybe_unused]] const F& change) noexcept {
#ifdef _OPENMP
  if (omp_in_parallel() || omp_get_max_threads() == 1) return;
#pragma omp parallel
  {
    if (omp_get_thread_num() > 0) change();
  }
#endif
}

}  // namespace

void Untrapped::hold() noexcept {
  std::feholdexcept(&environment_);
  in_workers([] { std::feholdexcept(&worker_environment); });
}

void Untrapped::restore() noexcept {
  in_workers([] { std::fesetenv(&worker_environment); });
  std::fesetenv(&environment_);
}

}  // namespace ftorch
