// SPDX-License-Identifier: MIT
// Whose turn it is to run code of the program inside the library.
#pragma once

namespace ftorch {

/// While this lives, and `waits`, no other thread runs code of the program that waits for its turn.
class Turn {
 public:
  explicit Turn(bool waits);
  ~Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  bool is_taken_;
};

/// Gives the turn of this thread away while this lives: a graph that runs here may call the program on another thread.
class TurnPause {
 public:
  TurnPause();
  ~TurnPause();
  TurnPause(const TurnPause&) = delete;
  TurnPause& operator=(const TurnPause&) = delete;

 private:
  bool is_paused_;
};

}  // namespace ftorch
