// SPDX-License-Identifier: MIT
// The end of the process by an error: LibTorch's statics are destroyed only when no other thread is inside an entry.
#pragma once

#include <atomic>

#include "core/thread_state.h"

namespace ftorch {

inline constinit std::atomic<bool> process_ends{false};

/// Gives this thread its presence, on its first entry.
void register_thread() noexcept;

/// Keeps this thread where it is until the process has ended, unless it is the one that ends the process.
void await_end() noexcept;

/// One entry that a registered thread is in.
class Visit {
 public:
  explicit Visit(Presence& presence) noexcept : presence_(presence) {
    // Plain instructions: the thread that ends the process waits until they can be seen.
    presence_.store(presence_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (process_ends.load(std::memory_order_relaxed)) [[unlikely]]
      await_end();
  }
  ~Visit() { presence_.store(presence_.load(std::memory_order_relaxed) - 1, std::memory_order_release); }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  Presence& presence_;
};

}  // namespace ftorch
