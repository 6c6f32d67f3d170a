// SPDX-License-Identifier: MIT
// What the entries of a thread have at hand, in one variable.
#pragma once

#include <atomic>

#include "core/found_once.h"
#include "core/lookup.h"
#include "core/stock.h"
#include "kinds.h"

namespace ftorch {

/// Depth of the entries that a thread is in; 0 for one that waits for the end of the process (ending.h).
using Presence = std::atomic<int>;

struct ThreadState {
  Presence* presence = nullptr;
  /// True from the first failure of an operator to the end of the statement: the next entry of another kind.
  bool has_failed_operator = false;
  /// True when the last failure is that an entry was given the result of an operator that had failed.
  bool is_consequence = false;
  /// True while something is kept for bit copies in the statement at hand (replaced.h).
  bool has_replaced = false;
  /// True while a scope is open (scope.cpp).
  bool has_scope = false;
  /// Leaves over memory of the program that the entries have looked up.
  Lookups lookups{};
  /// Free slots, by the kind of object.
  Stock stocks[end_of_kinds]{};
};

inline thread_local constinit ThreadState thread_state;

/// That of the calling thread.
inline ThreadState& this_thread() noexcept { return found_once(thread_state); }

}  // namespace ftorch
