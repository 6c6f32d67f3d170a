// SPDX-License-Identifier: MIT
// The signal of a limit of file sizes, which would end the process.
#pragma once

#include <csignal>

namespace ftorch {

/// Holds back the signal of a limit of file sizes (ulimit -f): to exceed it is an error of write().
class SizeSignalBlock {
 public:
  SizeSignalBlock() noexcept {
    sigemptyset(&signal_);
    sigaddset(&signal_, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &signal_, &before_);
  }
  ~SizeSignalBlock() {
    constexpr timespec at_once{0, 0};
    while (!sigismember(&before_, SIGXFSZ) && sigtimedwait(&signal_, nullptr, &at_once) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SizeSignalBlock(const SizeSignalBlock&) = delete;
  SizeSignalBlock& operator=(const SizeSignalBlock&) = delete;

 private:
  sigset_t signal_, before_;
};

}  // namespace ftorch
