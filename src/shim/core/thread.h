// SPDX-License-Identifier: MIT
// How many threads LibTorch uses.
#pragma once

#include <ATen/core/Tensor.h>

namespace ftorch {

/// Ends the idle threads of OpenMP before each fork of this process.
void prepare_for_forks() noexcept;

/// OpenMP ends the process where it cannot start as many threads as it is asked for.
inline constexpr int most_threads = 1024;

/// Fails for a number of threads that cannot be meant.
int checked_thread_count(int threads);

/// Not worth an OpenMP region, which costs milliseconds on a busy node: PyTorch's own elementwise loops open none either.
inline bool is_small(const at::Tensor& tensor) { return tensor.device().is_cpu() && tensor.numel() <= 32768; }

/// While this lives and `applies`, LibTorch opens no OpenMP region on this thread, as some kernels do at any size. Those of
/// its matrix library are another matter.
class OneThread {
 public:
  explicit OneThread(bool applies) noexcept;
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  /// The host's number of threads, or 0 where it stays.
  int threads_;
};

}  // namespace ftorch
