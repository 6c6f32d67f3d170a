// SPDX-License-Identifier: MIT
// The boundary of every C entry: no exception, trap, flag or change of the host's OpenMP setting passes it.
#pragma once

#include <type_traits>
#include <utility>

#include "core/ending.h"
#include "core/thread_count.h"
#include "core/thread_state.h"
#include "core/traps.h"
#include "ftorch.h"

namespace ftorch {

/// Puts the exception in flight into ft_text() and gives its status; `other` is that of an error without a class.
int translate_exception(int other) noexcept;

/// What LibTorch does once in each thread that calls it, done now and without harm to the host. Fails if the LibTorch found
/// at run time is not the one that this library was compiled for.
int initialize_thread() noexcept;

/// Ends what the statement at hand has replaced (replaced.h).
void forget_replaced() noexcept;

/// Runs one entry. With translate_exception(), the only try and catch of the shim. An assignment or a release may be
/// part of a statement whose right-hand side holds bit copies of what was there before; all others come after it. One that is
/// no operator either ends a statement in which operators have failed. The entry may take the state of its thread.
template <bool may_be_within_a_statement = false, bool is_operator = false, class F>
int guard(int other, F&& entry) noexcept {
  const ThreadCountGuard threads(library_threads.load(std::memory_order_relaxed));
  const FpEnvironmentGuard environment;
  ThreadState& thread = this_thread();
  if (!thread.presence) [[unlikely]] {
    if (const int status = initialize_thread(); status != ft_ok) return status;
  }
  const Visit visit(*thread.presence);
  const LookupScope scope(thread.lookups);
  try {
    if (thread.has_replaced && !may_be_within_a_statement) [[unlikely]]
      forget_replaced();
    if constexpr (!may_be_within_a_statement && !is_operator) thread.has_failed_operator = false;
    if constexpr (std::is_invocable_v<F, ThreadState&>) std::forward<F>(entry)(thread);
    else std::forward<F>(entry)();
    return ft_ok;
  } catch (...) {
    return translate_exception(other);
  }
}

}  // namespace ftorch
