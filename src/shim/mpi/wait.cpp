// SPDX-License-Identifier: MIT

#include "mpi/wait.h"

#include <sched.h>
#include <time.h>

#include <chrono>
#include <cmath>
#include <string>

#include "mpi/failure.h"

namespace ftorch::mpi {
namespace {

using Clock = std::chrono::steady_clock;

std::string seconds_text(double seconds) {
  std::string text = std::to_string(seconds);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

}  // namespace

void wait(Communicator& here, MPI_Request& request, const char* what, const Memory& memory) {
  // Tests that come back at once, then ones that leave the core to ranks that share it.
  constexpr int busy_tests = 2000;
  constexpr int yielding_tests = 20000;
  constexpr timespec pause{0, 50'000};
  const auto begin = Clock::now();
  for (int tests = 0;; ++tests) {
    int is_done = 0;
    check_mpi(MPI_Test(&request, &is_done, MPI_STATUS_IGNORE), what);
    if (is_done) return;
    if (tests < busy_tests) continue;
    if (tests < yielding_tests) sched_yield();
    else nanosleep(&pause, nullptr);
    if (std::chrono::duration<double>(Clock::now() - begin).count() > here.settings.timeout) {
      here.is_broken = true;
      static_cast<void>(new Memory(memory));
      fail(ft_internal_error, std::string("the other ranks did not answer within ") +
                                  seconds_text(here.settings.timeout) + " (" + what +
                                  "): one of them has ended, or does not make this call");
    }
  }
}

}  // namespace ftorch::mpi
