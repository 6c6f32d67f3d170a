// SPDX-License-Identifier: MIT
// Whose turn it is to run code of the program inside the library: one thread's, which gives it away while it waits for a graph.

#include "autograd/turn.h"

#include <mutex>
#include <utility>

namespace ftorch {
namespace {

std::mutex& turns() {
  static std::mutex& instance = *new std::mutex;
  return instance;
}

thread_local bool has_turn = false;

}  // namespace

Turn::Turn(bool waits) : is_taken_(waits && !has_turn) {
  if (!is_taken_) return;
  turns().lock();
  has_turn = true;
}

Turn::~Turn() {
  if (!is_taken_) return;
  has_turn = false;
  turns().unlock();
}

TurnPause::TurnPause() : is_paused_(std::exchange(has_turn, false)) {
  if (is_paused_) turns().unlock();
}

TurnPause::~TurnPause() {
  if (!is_paused_) return;
  turns().lock();
  has_turn = true;
}

}  // namespace ftorch
