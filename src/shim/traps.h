// SPDX-License-Identifier: MIT
// Floating-point traps of the host, off while LibTorch works: its kernels raise the exceptions in legal use.
#pragma once

#include <cfenv>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace ftorch {

/// No floating-point exception stops this thread or its OpenMP workers while this lives. A few instructions when the
/// host traps none.
class Untrapped {
 public:
  Untrapped() noexcept : held_(traps()) {
    if (held_) [[unlikely]] hold();
  }
  ~Untrapped() {
    if (held_) [[unlikely]] restore();
  }
  Untrapped(const Untrapped&) = delete;
  Untrapped& operator=(const Untrapped&) = delete;

 private:
  static bool traps() noexcept {
#if defined(__SSE2__)
    return (_mm_getcsr() & _MM_MASK_MASK) != _MM_MASK_MASK;
#elif defined(__GLIBC__)
    return fegetexcept() != 0;
#else
    return true;
#endif
  }
  void hold() noexcept;
  void restore() noexcept;

  bool held_;
  std::fenv_t environment_;
};

}  // namespace ftorch
