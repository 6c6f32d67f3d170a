// SPDX-License-Identifier: MIT
// The end of the process by an error, and the handlers that may decide on it.

#include "core/ending.h"

#include <csignal>
#include <cstdlib>
#include <new>
#include <string_view>

#include <time.h>
#include <unistd.h>

#include "ftorch.h"

namespace ftorch {
namespace {

struct Thread {
  Presence depth{0};
  std::atomic<bool> is_taken{true};
  Thread* next = nullptr;
};

// Never freed, but taken again by threads that come later.
constinit std::atomic<Thread*> threads{nullptr};
// What entries count in after the thread's end, such as those of destructors of its variables.
constinit Presence afterwards{0};
thread_local constinit bool ends_process = false;
// What the handler that runs on this thread was told.
thread_local constinit std::string_view handled;

/// Gives the place in the list back when the thread ends.
struct Membership {
  Thread* thread = nullptr;
  ~Membership() {
    if (!thread) return;
    thread_state.presence = &afterwards;
    thread->is_taken.store(false, std::memory_order_release);
  }
};
thread_local Membership membership;

Thread* take_place() noexcept {
  for (Thread* one = threads.load(std::memory_order_acquire); one; one = one->next) {
    bool expected = false;
    if (one->is_taken.compare_exchange_strong(expected, true, std::memory_order_acq_rel)) return one;
  }
  Thread* const made = new (std::nothrow) Thread;
  if (!made) return nullptr;
  made->next = threads.load(std::memory_order_relaxed);
  while (!threads.compare_exchange_weak(made->next, made, std::memory_order_acq_rel)) {
  }
  return made;
}

bool others_are_inside() noexcept {
  for (const Thread* one = threads.load(std::memory_order_acquire); one; one = one->next) {
    if (&one->depth != thread_state.presence && one->depth.load(std::memory_order_acquire) > 0) return true;
  }
  return false;
}

/// A thread that stays inside for long loses LibTorch's statics under its feet.
void on_fault(int) {
  if (ends_process) _exit(1);
  await_end();
}

/// Other threads do not get past the beginning of an entry from now on; those inside have one second to leave, and the
/// process has two seconds to end. Of several threads the first alone returns.
void begin_end() noexcept {
  if (ends_process) return;
  if (process_ends.exchange(true)) await_end();
  ends_process = true;
  std::signal(SIGALRM, [](int) { _exit(1); });
  alarm(2);
  constexpr timespec millisecond{0, 1000000};
  for (int i = 0; i < 1000; ++i) {
    nanosleep(&millisecond, nullptr);
    if (!others_are_inside()) return;
  }
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) std::signal(signal, on_fault);
}

void write_to_stderr(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

void register_thread() noexcept {
  membership.thread = take_place();
  thread_state.presence = membership.thread ? &membership.thread->depth : &afterwards;
}

void await_end() noexcept {
  if (ends_process) return;
  if (Presence* const presence = thread_state.presence) presence->store(0, std::memory_order_release);
  for (;;) pause();
}

}  // namespace ftorch

using namespace ftorch;

int ft_handler_enter(const char* text, int64_t length) {
  if (!text || !handled.empty()) return ft_invalid_argument;
  handled = {text, static_cast<std::size_t>(length)};
  // Registered late, so that it comes before the end of what LibTorch has made until now.
  [[maybe_unused]] static const int registered = std::atexit([] {
    if (!handled.empty()) begin_end();
  });
  return ft_ok;
}

void ft_handler_leave(void) { handled = {}; }

void ft_fatal_message(const char* words, int64_t length) {
  begin_end();
  // A reader that is gone does not end the process before its exit status is set.
  std::signal(SIGPIPE, SIG_IGN);
  write_to_stderr({words, static_cast<std::size_t>(length)});
  if (handled.empty()) return;
  write_to_stderr("the handler had been told: ");
  write_to_stderr(handled);
  write_to_stderr("\n");
}
