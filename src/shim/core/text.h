// SPDX-License-Identifier: MIT
// The text that ft_text() gives: the last failure, or what a ft_*_text entry made.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace ftorch {

/// The first bytes of a text in UTF-8, at most `size`, that end between two characters.
std::string_view beginning(std::string_view text, std::size_t size) noexcept;

/// An element as failures name it, which count from 1: "name(1)" for index 0.
inline std::string element_text(const char* name, std::size_t index) {
  return std::string(name) + "(" + std::to_string(index + 1) + ")";
}

/// Failures never allocate. Their message is cut at 4000 bytes, what they are about is not.
void set_failure(std::string_view message, std::string_view addition = {}) noexcept;
void set_text(std::string text);

/// What a failure is about while this lives: "subject: " or "subject(index): " is put before its message. The subject
/// must outlive it; an index counts from 0 here and from 1 in the message.
class Context {
 public:
  explicit Context(const char* subject, std::int64_t index = -1) noexcept
      : subject_(subject), index_(index), exceptions_(std::uncaught_exceptions()) {}
  ~Context() {
    if (std::uncaught_exceptions() > exceptions_) [[unlikely]]
      tell();
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

 private:
  void tell() const noexcept;

  const char* subject_;
  std::int64_t index_;
  int exceptions_;
};

/// Puts "subject: " before the message of the failure that is on its way.
void add_subject(const std::function<std::string()>& subject) noexcept;

/// Drops what is known of a failure that goes no further.
void forget_failure() noexcept;

/// A context whose subject is made when a failure comes.
template <class F>
class DeferredContext {
 public:
  explicit DeferredContext(F subject) : subject_(std::move(subject)), exceptions_(std::uncaught_exceptions()) {}
  ~DeferredContext() {
    if (std::uncaught_exceptions() > exceptions_) [[unlikely]]
      add_subject(subject_);
  }
  DeferredContext(const DeferredContext&) = delete;
  DeferredContext& operator=(const DeferredContext&) = delete;

 private:
  F subject_;
  int exceptions_;
};

/// What is added to a message of LibTorch about shapes or dtypes that comes while this lives.
class Remark {
 public:
  explicit Remark(std::function<std::string()> text)
      : text_(std::move(text)), exceptions_(std::uncaught_exceptions()) {}
  ~Remark() {
    if (std::uncaught_exceptions() > exceptions_) [[unlikely]]
      make();
  }
  Remark(const Remark&) = delete;
  Remark& operator=(const Remark&) = delete;

 private:
  void make() const noexcept;

  std::function<std::string()> text_;
  int exceptions_;
};

}  // namespace ftorch
