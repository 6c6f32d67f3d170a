// SPDX-License-Identifier: MIT
// The boundary of every C entry: no exception, floating-point trap or change of the host's OpenMP setting passes it.
#pragma once

#include <cfenv>
#include <utility>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "ftorch.h"

namespace ftorch {

/// Puts the exception in flight into ft_text() and gives its status; `other` is that of an error LibTorch does not class.
int settle(int other) noexcept;

/// What LibTorch does once in each thread that calls it, done now and without harm to the host.
void enter_thread() noexcept;

/// Floating-point exceptions do not stop the host while this lives: LibTorch's kernels raise them in legal use.
class Untrapped {
 public:
  Untrapped() noexcept : held_(traps()) {
    if (held_) [[unlikely]] std::feholdexcept(&environment_);
  }
  ~Untrapped() {
    if (held_) [[unlikely]] std::fesetenv(&environment_);
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

  bool held_;
  std::fenv_t environment_;
};

inline thread_local bool thread_entered = false;

/// Runs one entry. The only try and catch of the shim.
template <class F>
int guard(int other, F&& entry) noexcept {
  Untrapped untrapped;
  try {
    if (!thread_entered) [[unlikely]] enter_thread();
    std::forward<F>(entry)();
    return ft_ok;
  } catch (...) {
    return settle(other);
  }
}

}  // namespace ftorch
