// SPDX-License-Identifier: MIT
// Failures of this component, which become statuses at its entries.
#pragma once

#include <fenv.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "ftorch.h"

namespace ftorch::mpi {

struct Failure : std::exception {
  Failure(int code, std::string text) : status(code), message(std::move(text)) {}
  const char* what() const noexcept override { return message.c_str(); }

  int status;
  std::string message;
};

[[noreturn]] inline void fail(int status, std::string message) { throw Failure(status, std::move(message)); }

/// The text of the last entry of the library on this thread.
inline std::string last_text() {
  const char* text = nullptr;
  const auto size = static_cast<std::size_t>(ft_text(&text));
  return {text, size};
}

/// Fails if an entry of the library did.
inline void check(int status) {
  if (status != ft_ok) fail(status, last_text());
}

/// Fails if a function of MPI did.
void check_mpi(int code, const char* function);

/// Status and text of the exception in flight.
Failure failure_in_flight() noexcept;

/// Holds back floating-point exceptions that the program traps: sums of numbers that are not finite are no reason to end it.
class TrapPause {
 public:
  TrapPause() noexcept : traps_(fegetexcept()) {
    if (traps_ != 0) fedisableexcept(traps_);
  }
  ~TrapPause() {
    if (traps_ == 0) return;
    feclearexcept(traps_);
    feenableexcept(traps_);
  }
  TrapPause(const TrapPause&) = delete;
  TrapPause& operator=(const TrapPause&) = delete;

 private:
  int traps_;
};

/// Runs an entry: no exception and no trap passes it.
template <class F>
int guard(F&& entry) noexcept {
  const TrapPause pause;
  try {
    std::forward<F>(entry)();
    return ft_ok;
  } catch (...) {
    const Failure failure = failure_in_flight();
    return ft_fail(failure.status, failure.message.c_str());
  }
}

}  // namespace ftorch::mpi
