// SPDX-License-Identifier: MIT
// The host's floating-point environment around the work of LibTorch.

#include "core/traps.h"

#ifdef _OPENMP
#include <omp.h>
#endif

namespace ftorch {
namespace {

/// What a worker had before the work; unset in one that LibTorch made.
struct WorkerEnvironment {
  std::fenv_t environment;
  bool is_set = false;
};

thread_local WorkerEnvironment worker;

/// Calls `change` in each OpenMP worker of this thread, whom LibTorch may use.
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

void FpEnvironmentGuard::hold() noexcept {
  // Workers that do not exist yet inherit the traps of this thread, which must still be set.
  in_workers([] {
    std::feholdexcept(&worker.environment);
    worker.is_set = true;
  });
  std::feholdexcept(&environment_);
  outer_ = innermost_;
  innermost_ = this;
}

void FpEnvironmentGuard::restore() noexcept {
  in_workers([this] {
    std::fesetenv(worker.is_set ? &worker.environment : &environment_);
    worker.is_set = false;
  });
  std::fesetenv(&environment_);
  innermost_ = outer_;
}

#if defined(__SSE2__)
/// The flags of the old unit cannot be set alone; a union with those of SSE is what a program asks for.
void FpEnvironmentGuard::restore_x87() const noexcept {
  std::feclearexcept(FE_ALL_EXCEPT);
  _mm_setcsr(control_.sse | (control_.x87 & FE_ALL_EXCEPT));
}
#endif

}  // namespace ftorch
