// SPDX-License-Identifier: MIT
// Scopes: temporaries of a thread that end together.

#include <algorithm>
#include <vector>

#include "core/guard.h"
#include "tensor/release.h"

namespace {

using Identity = ftorch::Tensors::Identity;

struct Scope {
  /// Whether what a variable owns ends too.
  bool with_variables;
  std::vector<Identity> members;
  std::size_t next_sweep = 1024;

  bool holds(Identity one) const {
    const ftorch::Tensor* const tensor = ftorch::tensors.find(one);
    return tensor && (with_variables || tensor->temporary);
  }
};

thread_local std::vector<Scope> scopes;

/// The tensor that `make` makes, which belongs to the innermost scope if that holds such.
template <class F>
ft_handle in_scope(bool is_temporary, const F& make) {
  ftorch::ThreadState& thread = ftorch::this_thread();
  if (!thread.has_scope) [[likely]]
    return make(thread);
  Scope& scope = scopes.back();
  if (!is_temporary && !scope.with_variables) return make(thread);
  // A long scope forgets what was released meanwhile.
  if (scope.members.size() >= scope.next_sweep) {
    std::erase_if(scope.members, [&](Identity one) { return !scope.holds(one); });
    scope.next_sweep = std::max(scope.next_sweep, 2 * scope.members.size());
  }
  scope.members.reserve(scope.members.size() + 1);
  const ft_handle handle = make(thread);
  scope.members.push_back(ftorch::tensors.identity(handle));
  return handle;
}

}  // namespace

namespace ftorch {

ft_handle new_tensor(Tensor object) {
  return in_scope(object.temporary, [&](ThreadState& thread) { return tensors.make(thread, std::move(object)); });
}

ft_handle new_temporary(at::Tensor&& value) {
  return in_scope(true, [&](ThreadState& thread) { return tensors.make(thread, std::move(value), true); });
}

}  // namespace ftorch

using namespace ftorch;

int ft_scope_begin(int with_variables) {
  return guard(ft_internal_error, [&](ThreadState& thread) {
    scopes.push_back({with_variables != 0, {}});
    thread.has_scope = true;
  });
}

int ft_scope_end() {
  return guard(ft_internal_error, [](ThreadState& thread) {
    if (scopes.empty()) fail(ft_invalid_argument, "no scope is open on this thread");
    for (const Identity one : scopes.back().members) {
      if (scopes.back().holds(one)) release_tensor(thread, tensors.handle(one));
    }
    scopes.pop_back();
    thread.has_scope = !scopes.empty();
  });
}
