// SPDX-License-Identifier: MIT

#include "mpi/wait.h"

#include <sched.h>
#include <time.h>

#include <algorithm>
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
      fail(ft_internal_error,
           std::string("the other ranks did not answer within ") + seconds_text(here.settings.timeout) + " (" + what +
               "): one of them has ended, or does not make this call, which FTORCH_MPI_CHECK_CALLS=1 tells at once");
    }
  }
}

Messages::~Messages() {
  for (auto& [request, memory] : messages_) {
    if (request != MPI_REQUEST_NULL) static_cast<void>(new Memory(std::move(memory)));
  }
}

MPI_Request& Messages::add(Memory memory) { return messages_.emplace_back(MPI_REQUEST_NULL, std::move(memory)).first; }

void Messages::wait(Communicator& here, const char* what) {
  for (auto& [request, memory] : messages_) mpi::wait(here, request, what, memory);
}

bool Messages::is_through() const {
  return std::all_of(messages_.begin(), messages_.end(),
                     [](const auto& message) { return message.first == MPI_REQUEST_NULL; });
}

void Messages::progress() {
  int is_done = 0;
  if (!messages_.empty()) MPI_Request_get_status(messages_.back().first, &is_done, MPI_STATUS_IGNORE);
}

}  // namespace ftorch::mpi
