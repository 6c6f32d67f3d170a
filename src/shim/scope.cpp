// SPDX-License-Identifier: MIT
// Scopes: temporaries of a thread that end together.

#include <algorithm>
#include <vector>

#include "guard.h"
#include "tensor.h"

namespace {

struct Scope {
  std::vector<ft_handle> temporaries;
  std::size_t next_sweep = 1024;
};

thread_local std::vector<Scope> scopes;

bool is_temporary(ft_handle handle) {
  const ftorch::Tensor* const tensor = ftorch::tensors.find(handle);
  return tensor && tensor->temporary;
}

}  // namespace

namespace ftorch {

ft_handle new_temporary(at::Tensor value) {
  Tensor made;
  made.value = std::move(value);
  made.temporary = true;
  if (scopes.empty()) return tensors.acquire(std::move(made));
  auto& [temporaries, next_sweep] = scopes.back();
  // A long scope forgets what was released meanwhile.
  if (temporaries.size() >= next_sweep) {
    std::erase_if(temporaries, [](ft_handle handle) { return !is_temporary(handle); });
    next_sweep = std::max(next_sweep, 2 * temporaries.size());
  }
  temporaries.reserve(temporaries.size() + 1);
  temporaries.push_back(tensors.acquire(std::move(made)));
  return temporaries.back();
}

}  // namespace ftorch

using namespace ftorch;

int ft_scope_begin() {
  return guard(ft_internal_error, [] { scopes.emplace_back(); });
}

int ft_scope_end() {
  return guard(ft_internal_error, [] {
    if (scopes.empty()) fail(ft_invalid_argument, "no scope is open on this thread");
    for (const ft_handle handle : scopes.back().temporaries) {
      if (is_temporary(handle)) tensors.release(handle);
    }
    scopes.pop_back();
  });
}
