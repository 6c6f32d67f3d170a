// SPDX-License-Identifier: MIT
// Which tensors over memory of the program an entry has looked up, and so may have given to a graph.
#pragma once

namespace ftorch {

struct Tensor;

/// Those of this thread's entries, the innermost last; null when it ended meanwhile. More than there is room for are taken
/// for held at once.
struct Lookups {
  static constexpr int capacity = 32;
  Tensor* tensors[capacity];
  int size;
};

inline thread_local constinit Lookups lookups{};

/// Enters those that somebody holds by now into the register of wrapped memory, from number `first` on.
void enter_held(int first) noexcept;

/// The lookups of one entry. Whatever it gave to a graph is in the register afterwards.
class LookupScope {
 public:
  LookupScope() = default;
  LookupScope(const LookupScope&) = delete;
  ~LookupScope() {
    if (lookups.size != first_) [[unlikely]] close();
  }

 private:
  void close() const noexcept {
    enter_held(first_);
    lookups.size = first_;
  }
  const int first_ = lookups.size;
};

}  // namespace ftorch
