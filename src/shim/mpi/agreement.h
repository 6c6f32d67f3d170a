// SPDX-License-Identifier: MIT
// What all ranks know before any goes on: that each can, that they make the same call about the same things.
#pragma once

#include <cstdint>
#include <string>

#include "mpi/communicator.h"
#include "mpi/failure.h"

namespace ftorch::mpi {

/// Calls that all ranks make together, by number.
enum class Call : std::int64_t {
  create,
  agree,
  average_gradients,
  broadcast,
  load,
  forward,
  forward_warmup,
  bind_threads
};

/// What a rank brings along, beside its status.
struct Contribution {
  /// Must be the same on all ranks.
  std::uint64_t fingerprint = 0;
  /// Is added up.
  double rows = 0;
};

/// Exchanges statuses; fails on all ranks alike if one failed, with its rank and text, if the ranks make different calls, or if
/// their fingerprints differ, with the text `difference`. Returns the sum of all rows.
double agree(Communicator& here, const Communication& among, Call call, const Failure& outcome,
             const Contribution& contribution = {}, const char* difference = "");

/// Fails between the start and the wait of an average.
void check_not_averaging(const Communicator& here);

/// Frees what MPI holds for agreements; none comes after it.
void free_reduction() noexcept;

/// Runs f, which returns a contribution and sends no message, on each rank, and agrees on it.
template <class F>
double agree_on(Communicator& here, Call call, const F& f, const char* difference = "") {
  Contribution contribution;
  Failure outcome(ft_ok, "");
  try {
    contribution = f();
  } catch (...) {
    outcome = failure_in_flight();
  }
  return agree(here, here.all, call, outcome, contribution, difference);
}

/// The same for what contributes nothing.
template <class F>
void succeed_on_all(Communicator& here, Call call, const F& f) {
  agree_on(here, call, [&] {
    f();
    return Contribution{};
  });
}

/// Runs f, which sends no message, before a call of a group or node. Where calls are checked all ranks agree on both.
template <class F>
void begin_call(Communicator& here, Call call, const F& f) {
  check_not_averaging(here);
  if (here.settings.checks_calls) succeed_on_all(here, call, f);
  else f();
}

}  // namespace ftorch::mpi
