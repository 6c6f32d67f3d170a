// SPDX-License-Identifier: MIT
// Failures of operators in a statement: the first is kept for those that are given its result.

#include "core/thread_state.h"

#include <algorithm>
#include <string>

#include "core/handle.h"
#include "core/text.h"

namespace ftorch {
namespace {

thread_local int first_status = ft_internal_error;
thread_local char first_message[1000];
thread_local std::size_t first_size = 0;

}  // namespace

void fail_as_operator() { throw Error{first_status, std::string(first_message, first_size), true}; }

}  // namespace ftorch

using namespace ftorch;

int ft_fail_operator(int status, ft_handle* result) {
  if (result) *result = failed_result;
  if (thread_state.is_consequence || thread_state.has_failed_operator) return ft_ok;
  thread_state.has_failed_operator = true;
  first_status = status;
  const char* text = nullptr;
  const auto size = static_cast<std::size_t>(ft_text(&text));
  first_size = beginning({text, size}, sizeof(first_message)).size();
  std::copy_n(text, first_size, first_message);
  return status;
}

int ft_fail_procedure(int status) {
  thread_state.has_failed_operator = false;
  return thread_state.is_consequence ? ft_ok : status;
}
