// SPDX-License-Identifier: MIT
// The boundary of every C entry: no exception, trap, flag or change of the host's OpenMP setting passes it.
#pragma once

#include <utility>

#include "ending.h"
#include "ftorch.h"
#include "lookup.h"
#include "traps.h"

namespace ftorch {

/// Puts the exception in flight into ft_text() and gives its status; `other` is that of an error without a class.
int settle(int other) noexcept;

/// What LibTorch does once in each thread that calls it, done now and without harm to the host. Fails if the LibTorch found
/// at run time is not the one that this library was compiled for.
int enter_thread() noexcept;

/// Runs one entry. With settle(), the only try and catch of the shim.
template <class F>
int guard(int other, F&& entry) noexcept {
  const FpEnvironmentGuard environment;
  if (!presence) [[unlikely]] {
    if (const int status = enter_thread(); status != ft_ok) return status;
  }
  Visit visit;
  const LookupScope scope;
  try {
    std::forward<F>(entry)();
    return ft_ok;
  } catch (...) {
    return settle(other);
  }
}

}  // namespace ftorch
