// SPDX-License-Identifier: MIT
// The number of OpenMP threads that LibTorch gets, where that is not the host's.
#pragma once

#include <atomic>

namespace ftorch {

/// What the program asked for, for all of its threads; 0 for as many as OpenMP regions of the program have.
inline constinit std::atomic<int> library_threads{0};

/// While this lives, OpenMP regions of this thread have so many threads; 0 changes nothing.
class ThreadCountGuard {
 public:
  explicit ThreadCountGuard(int threads) noexcept {
    if (threads != 0) [[unlikely]]
      begin(threads);
  }
  ~ThreadCountGuard() {
    if (outer_ != 0) [[unlikely]]
      end();
  }
  ThreadCountGuard(const ThreadCountGuard&) = delete;
  ThreadCountGuard& operator=(const ThreadCountGuard&) = delete;

 private:
  void begin(int threads) noexcept;
  void end() noexcept;

  friend class HostThreadCount;
  /// The host's number while the outermost of this thread has set another one, else 0.
  static inline thread_local constinit int host_ = 0;

  /// What was before; 0 where nothing was set.
  int outer_ = 0;
  bool is_outermost_ = false;
};

/// While this lives code of the program runs inside the library, with its number, which it may change.
class HostThreadCount {
 public:
  HostThreadCount() noexcept;
  ~HostThreadCount();
  HostThreadCount(const HostThreadCount&) = delete;
  HostThreadCount& operator=(const HostThreadCount&) = delete;

 private:
  /// The library's number; 0 where it is the host's.
  int library_ = 0;
};

}  // namespace ftorch
