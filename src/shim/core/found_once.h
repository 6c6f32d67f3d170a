// SPDX-License-Identifier: MIT
// Thread-local variables that are found once, not at each use: in a shared library each search is a call.
#pragma once

namespace ftorch {

/// The same variable. The compiler does not see whose address it is, and so cannot search for it again.
template <class T>
T& found_once(T& variable) noexcept {
  T* address = &variable;
  __asm__("" : "+r"(address));
  return *address;
}

}  // namespace ftorch
