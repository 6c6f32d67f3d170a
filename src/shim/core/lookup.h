// SPDX-License-Identifier: MIT
// Which leaves over memory of the program an entry has looked up, and so may have given to a graph.
#pragma once

#include <vector>

namespace ftorch {

struct Tensor;

/// Those of this thread's entries, the innermost last.
class Lookups {
 public:
  void add(Tensor& tensor) {
    if (size_ < capacity) tensors_[size_++] = &tensor;
    else beyond().push_back(&tensor);
  }
  /// The tensor ends.
  void forget(const Tensor& tensor) noexcept;
  int size() const { return size_; }
  /// Calls f(tensor) from number `first` on.
  template <class F>
  void for_each(int first, const F& f) {
    for (int i = first; i < size_; ++i) {
      if (tensors_[i]) f(*tensors_[i]);
    }
    if (size_ < capacity) return;
    for (Tensor* const tensor : beyond()) f(*tensor);
  }
  void end(int first) noexcept;

 private:
  static constexpr int capacity = 32;
  /// Those for which there is no room.
  static std::vector<Tensor*>& beyond();

  Tensor* tensors_[capacity];
  int size_;
};

/// The lookups of one entry. Leaves that it gave to a graph are in the register of wrapped memory afterwards.
class LookupScope {
 public:
  explicit LookupScope(Lookups& lookups) : lookups_(lookups), first_(lookups.size()) {}
  LookupScope(const LookupScope&) = delete;
  ~LookupScope() {
    if (lookups_.size() != first_) [[unlikely]]
      lookups_.end(first_);
  }

 private:
  Lookups& lookups_;
  const int first_;
};

}  // namespace ftorch
