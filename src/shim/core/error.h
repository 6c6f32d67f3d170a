// SPDX-License-Identifier: MIT
// The one exception of the shim: a status of ftorch.h and its message.
#pragma once

#include <exception>
#include <string>
#include <utility>

#include "ftorch.h"

namespace ftorch {

/// LibTorch hands on what is a std::exception from one of its threads to another.
struct Error : std::exception {
  Error(int code, std::string text, bool follows = false)
      : status(code), message(std::move(text)), is_consequence(follows) {}
  const char* what() const noexcept override { return message.c_str(); }

  int status;
  std::string message;
  /// It follows from the failure of an operator in the same statement, which was told.
  bool is_consequence;
};

[[noreturn]] inline void fail(int status, std::string message) { throw Error{status, std::move(message)}; }

[[noreturn, gnu::cold]] inline void fail_null(const char* name) {
  fail(ft_invalid_argument, std::string(name) + " is a null pointer");
}

/// A pointer that the caller must give.
template <class T>
T* required(T* pointer, const char* name) {
  if (!pointer) [[unlikely]]
    fail_null(name);
  return pointer;
}

}  // namespace ftorch
