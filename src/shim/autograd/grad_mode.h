// SPDX-License-Identifier: MIT
// Regions of a thread in which no operation is recorded.
#pragma once

#include <ATen/core/grad_mode.h>

namespace ftorch {

/// While this lives, nothing is recorded, and code of the program has regions of its own, which end with this.
class NoGradRegions {
 public:
  NoGradRegions();
  ~NoGradRegions();
  NoGradRegions(const NoGradRegions&) = delete;
  NoGradRegions& operator=(const NoGradRegions&) = delete;

 private:
  int regions_;
  bool before_;
  at::NoGradGuard no_grad_;
};

}  // namespace ftorch
