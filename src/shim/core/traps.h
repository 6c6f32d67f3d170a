// SPDX-License-Identifier: MIT
// The host's floating-point environment: no trap while LibTorch works, whose kernels raise the exceptions in legal use,
// and no flag of theirs afterwards.
#pragma once

#include <cfenv>
#include <optional>

#include "core/thread_count.h"

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace ftorch {

/// While this lives no floating-point exception stops this thread or its OpenMP workers; at the end the flags and traps
/// of this thread, and the traps of the workers, are the host's. A few instructions when the host traps none.
class FpEnvironmentGuard {
 public:
  FpEnvironmentGuard() noexcept : control_(control()), is_trapped_(traps(control_)) {
    if (is_trapped_) [[unlikely]]
      hold();
  }
  ~FpEnvironmentGuard() {
    if (is_trapped_) [[unlikely]]
      restore();
    else restore_flags();
  }
  FpEnvironmentGuard(const FpEnvironmentGuard&) = delete;
  FpEnvironmentGuard& operator=(const FpEnvironmentGuard&) = delete;

 private:
#if defined(__SSE2__)
  /// Flags, masks and rounding of SSE below, flags of the old unit, which long double uses, above.
  struct Control {
    unsigned int sse;
    unsigned short x87;
  };
  static Control control() noexcept {
    Control control{_mm_getcsr(), 0};
    __asm__ volatile("fnstsw %0" : "=a"(control.x87));
    return control;
  }
  static bool traps(Control control) noexcept { return (control.sse & _MM_MASK_MASK) != _MM_MASK_MASK; }
  void restore_flags() const noexcept {
    const Control now = control();
    if ((now.x87 & FE_ALL_EXCEPT) != (control_.x87 & FE_ALL_EXCEPT)) [[unlikely]]
      restore_x87();
    else if (now.sse != control_.sse) _mm_setcsr(control_.sse);
  }
  void restore_x87() const noexcept;
#else
  using Control = int;
  static Control control() noexcept { return std::fetestexcept(FE_ALL_EXCEPT); }
  static bool traps(Control) noexcept {
#if defined(__GLIBC__)
    return fegetexcept() != 0;
#else
    return true;
#endif
  }
  void restore_flags() const noexcept { std::feclearexcept(std::fetestexcept(FE_ALL_EXCEPT) & ~control_); }
#endif
  void hold() noexcept;
  void restore() noexcept;

  friend class HostEnvironment;
  /// The innermost of this thread that holds traps.
  static inline thread_local constinit FpEnvironmentGuard* innermost_ = nullptr;

  Control control_;
  bool is_trapped_;
  std::fenv_t environment_;
  FpEnvironmentGuard* outer_;
};

/// While this lives code of the program runs inside the library, with its traps and its number of threads.
class HostEnvironment {
 public:
  HostEnvironment() noexcept : held_(FpEnvironmentGuard::innermost_) {
    if (held_) held_->restore();
    threads_.emplace();
  }
  ~HostEnvironment() {
    threads_.reset();
    if (held_) held_->hold();
  }
  HostEnvironment(const HostEnvironment&) = delete;
  HostEnvironment& operator=(const HostEnvironment&) = delete;

 private:
  FpEnvironmentGuard* held_;
  std::optional<HostThreadCount> threads_;
};

}  // namespace ftorch
