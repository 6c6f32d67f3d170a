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

}  // namespace

namespace ftorch {

ft_handle new_tensor(Tensor object) {
  if (scopes.empty() || !(object.temporary || scopes.back().with_variables)) return tensors.acquire(std::move(object));
  Scope& scope = scopes.back();
  // A long scope forgets what was released meanwhile.
  if (scope.members.size() >= scope.next_sweep) {
    std::erase_if(scope.members, [&](Identity one) { return !scope.holds(one); });
    scope.next_sweep = std::max(scope.next_sweep, 2 * scope.members.size());
  }
  scope.members.reserve(scope.members.size() + 1);
  const ft_handle handle = tensors.acquire(std::move(object));
  scope.members.push_back(tensors.identity(handle));
  return handle;
}

ft_handle new_temporary(at::Tensor value) {
  Tensor object;
  object.value = std::move(value);
  object.temporary = true;
  return new_tensor(std::move(object));
}

}  // namespace ftorch

using namespace ftorch;

int ft_scope_begin(int with_variables) {
  return guard(ft_internal_error, [&] { scopes.push_back({with_variables != 0, {}}); });
}

int ft_scope_end() {
  return guard(ft_internal_error, [] {
    if (scopes.empty()) fail(ft_invalid_argument, "no scope is open on this thread");
    for (const Identity one : scopes.back().members) {
      if (scopes.back().holds(one)) release_tensor(tensors.handle(one));
    }
    scopes.pop_back();
  });
}
