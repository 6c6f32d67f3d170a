// SPDX-License-Identifier: MIT
// Statuses and texts: what became of the last entry on this thread.

#include <c10/util/Exception.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <new>
#include <string_view>

#include <unistd.h>

#include "error.h"
#include "guard.h"
#include "text.h"

namespace {

constexpr std::size_t longest_failure = 4000;
thread_local char failure[longest_failure];
thread_local std::string made;
thread_local std::string_view text;

/// The part of LibTorch's message that speaks to the caller: no C++ backtrace, no traceback of the model's source.
std::string_view essence(std::string_view message) {
  message = message.substr(0, message.find("\nException raised from"));
  for (std::string_view mark : {"RuntimeError: ", "torch.jit.Error: "}) {
    if (const auto start = message.rfind(mark); start != message.npos) message.remove_prefix(start + mark.size());
  }
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.remove_suffix(1);
  return message;
}

bool is_out_of_memory(std::string_view message) {
  return message.find("can't allocate memory") != message.npos || message.find("out of memory") != message.npos;
}

int settle_message(int other, std::string_view message) noexcept {
  message = essence(message);
  ftorch::set_failure(message);
  return is_out_of_memory(message) ? ft_out_of_memory : other;
}

}  // namespace

namespace ftorch {

void set_failure(std::string_view message) noexcept {
  const std::size_t length = std::min(message.size(), longest_failure);
  std::memmove(failure, message.data(), length);
  text = {failure, length};
}

void set_text(std::string value) {
  made = std::move(value);
  text = made;
}

int settle(int other) noexcept {
  try {
    throw;
  } catch (const Error& error) {
    set_failure(error.message);
    return error.status;
  } catch (const c10::OutOfMemoryError& error) {
    set_failure(essence(error.what_without_backtrace()));
    return ft_out_of_memory;
  } catch (const c10::Error& error) {
    return settle_message(other, error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    set_failure("out of host memory");
    return ft_out_of_memory;
  } catch (const std::exception& error) {
    return settle_message(other, error.what());
  } catch (...) {
    set_failure("an exception of unknown type");
    return ft_internal_error;
  }
}

}  // namespace ftorch

int64_t ft_text(const char** out) {
  if (out) *out = text.empty() ? "" : text.data();
  return static_cast<int64_t>(text.size());
}

int ft_fail(int status, const char* message) {
  ftorch::set_failure(message ? message : "");
  return status;
}

void ft_last_words(const char* words, int64_t length) {
  while (words && length > 0) {
    const ssize_t written = write(STDERR_FILENO, words, static_cast<std::size_t>(length));
    if (written <= 0) break;
    words += written;
    length -= written;
  }
  std::signal(SIGALRM, [](int) { _exit(1); });
  alarm(2);
}
