// SPDX-License-Identifier: MIT
// Statuses and texts: what became of the last entry on this thread.

#include <c10/util/Exception.h>
#include <torch/csrc/jit/runtime/jit_exception.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/faults.h"
#include "core/guard.h"
#include "core/text.h"
#include "core/traceback.h"

namespace {

constexpr std::size_t longest_message = 4000;
// Room for the longest name of a file.
constexpr std::size_t longest_subjects = 4500;
thread_local char failure[longest_subjects + longest_message];
// Subjects of the exception in flight, the innermost last in memory.
thread_local char subjects[longest_subjects];
thread_local std::size_t subjects_length = 0;
// What is known besides of the exception in flight.
constexpr std::size_t longest_remark = 1000;
thread_local char remark[longest_remark];
thread_local std::size_t remark_length = 0;
thread_local std::string made;
thread_local std::string_view text;

/// The part of LibTorch's message that speaks to the caller: no C++ backtrace, no list of all backends.
std::string_view strip_backtrace(std::string_view message) {
  for (std::string_view end : {"\nException raised from", ". This could be because the operator doesn't exist"})
    message = message.substr(0, message.find(end));
  while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) message.remove_suffix(1);
  return message;
}

bool is_out_of_memory(std::string_view message) {
  return message.find("can't allocate memory") != message.npos || message.find("out of memory") != message.npos;
}

/// The first sentence of what autograd says, and the remedy in the words of our interface.
void set_autograd_failure(std::string_view message) noexcept {
  const auto contains = [&](std::string_view part) { return message.find(part) != message.npos; };
  const char* remedy = "";
  if (contains("retain_graph")) remedy = "; give retain_graph to the first backward pass";
  else if (contains("modified by an inplace operation"))
    remedy = "; write it, or step the optimizer, after the backward pass, or repeat the forward pass";
  ftorch::set_failure(message.substr(0, message.find(". ")), remedy);
}

/// True when an operator may have found the failure: one that was called by an entry, or by a model that runs.
bool is_of_operator(int other, bool is_of_model) {
  return other == ft_invalid_argument || (other == ft_model_error && remark_length > 0 && is_of_model);
}

int settle_message(int other, std::string_view message, bool is_raised = false) noexcept {
  const bool is_of_model = ftorch::is_of_interpreter(message);
  if (is_of_model) {
    const ftorch::ModelFault fault = ftorch::fault_of(message, is_raised);
    message = fault.text;
    if (fault.is_raised) {
      ftorch::set_failure(message.substr(0, message.find_last_not_of('\n') + 1));
      return other;
    }
  }
  const std::string_view said = strip_backtrace(message);
  if (is_out_of_memory(said)) {
    ftorch::set_failure(said);
    return ft_out_of_memory;
  }
  if (other == ft_autograd_error) {
    set_autograd_failure(said);
    return other;
  }
  const int status = is_of_operator(other, is_of_model) ? ftorch::status_of_message(said, other) : other;
  const bool is_of_inputs = status == ft_shape_mismatch || status == ft_dtype_mismatch;
  ftorch::set_failure(said, is_of_inputs ? std::string_view(remark, remark_length) : std::string_view());
  return status;
}

}  // namespace

namespace ftorch {

std::string_view beginning(std::string_view text, std::size_t size) noexcept {
  if (text.size() <= size) return text;
  // The other bytes of a UTF-8 character are 10xxxxxx.
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

void set_failure(std::string_view message, std::string_view addition) noexcept {
  const std::string_view subject(subjects, std::exchange(subjects_length, 0));
  addition = beginning(addition, longest_message);
  message = beginning(message, longest_message - addition.size());
  std::size_t length = 0;
  for (const std::string_view part : {subject, message, addition}) {
    if (!part.empty()) std::memmove(failure + length, part.data(), part.size());
    length += part.size();
  }
  text = {failure, length};
  remark_length = 0;
  thread_state.is_consequence = false;
}

namespace {

void put_subject(std::string_view subject, const char* after) noexcept {
  const std::size_t after_length = std::strlen(after);
  subject = beginning(subject, longest_subjects - after_length);
  const std::size_t length = subject.size() + after_length;
  // What is inside goes if there is no room for both.
  subjects_length = beginning({subjects, subjects_length}, longest_subjects - length).size();
  std::memmove(subjects + length, subjects, subjects_length);
  std::memcpy(subjects, subject.data(), subject.size());
  std::memcpy(subjects + subject.size(), after, after_length);
  subjects_length += length;
}

}  // namespace

void forget_failure() noexcept { subjects_length = remark_length = 0; }

void Context::tell() const noexcept {
  char after[32] = ": ";
  if (index_ >= 0) std::snprintf(after, sizeof(after), "(%lld): ", index_ + 1LL);
  put_subject(subject_, after);
}

void add_subject(const std::function<std::string()>& subject) noexcept {
  try {
    put_subject(subject(), ": ");
  } catch (...) {  // The failure that is told is the one that led here.
  }
}

void Remark::make() const noexcept {
  try {
    const std::string text = text_();
    const std::string_view kept = beginning(text, longest_remark);
    std::memcpy(remark, kept.data(), kept.size());
    remark_length = kept.size();
  } catch (...) {
    remark_length = 0;
  }
}

void set_text(std::string value) {
  made = std::move(value);
  text = made;
}

int translate_exception(int other) noexcept {
  try {
    throw;
  } catch (const Error& error) {
    set_failure(error.message);
    thread_state.is_consequence = error.is_consequence;
    return error.status;
  } catch (const c10::OutOfMemoryError& error) {
    set_failure(strip_backtrace(error.what_without_backtrace()));
    return ft_out_of_memory;
  } catch (const torch::jit::JITException& error) {
    return settle_message(other, error.what(), true);
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
