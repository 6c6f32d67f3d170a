// SPDX-License-Identifier: MIT
// Coroutines that wait for the loss whenever they want one, so that the caller, in Fortran, evaluates it.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace ftorch {

/// Where a coroutine waits: `const double loss = co_await requests` is the loss at the parameters of that moment.
class LossRequests {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept { waiting_ = coroutine; }
  double await_resume() const noexcept { return loss_; }
  /// Goes on with the loss that was wanted.
  void answer(double loss) {
    loss_ = loss;
    std::exchange(waiting_, {}).resume();
  }

 private:
  std::coroutine_handle<> waiting_;
  double loss_ = 0;
};

/// A coroutine with a result, which begins when it is awaited or started.
template <class Result>
class Task {
 public:
  struct promise_type {
    std::optional<Result> result;
    std::exception_ptr failure;
    std::coroutine_handle<> awaiting;

    struct Final {
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended) const noexcept {
        return ended.promise().awaiting ? ended.promise().awaiting : std::noop_coroutine();
      }
      void await_resume() const noexcept {}
    };
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    Final final_suspend() const noexcept { return {}; }
    void return_value(Result value) { result = std::move(value); }
    void unhandled_exception() { failure = std::current_exception(); }
  };

  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  void start() { handle_.resume(); }
  bool has_ended() const { return handle_.done(); }
  Result result() {
    if (handle_.promise().failure) std::rethrow_exception(handle_.promise().failure);
    return std::move(*handle_.promise().result);
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) {
    handle_.promise().awaiting = awaiting;
    return handle_;
  }
  Result await_resume() { return result(); }

 private:
  explicit Task(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

}  // namespace ftorch
