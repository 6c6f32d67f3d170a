// SPDX-License-Identifier: MIT
// What the statement at hand replaced, in the thread that runs it.

#include "replaced.h"

#include <algorithm>
#include <vector>

#include "guard.h"
#include "model.h"
#include "optim.h"

namespace ftorch {
namespace {

struct Replaced {
  ft_handle handle;
  Tensor tensor;
};

struct Statement {
  std::vector<Replaced> tensors;
  std::vector<ft_handle> others;

  void forget() {
    tensors.clear();
    for (const ft_handle handle : others) {
      models.release(handle);
      optims.release(handle);
    }
    others.clear();
  }
  ~Statement() { forget(); }
};

thread_local Statement statement;

}  // namespace

void keep_replaced(ft_handle handle, at::Tensor value) {
  Replaced& kept = statement.tensors.emplace_back(Replaced{handle, {}});
  kept.tensor.value = std::move(value);
  has_replaced = true;
}

void release_later(ft_handle handle) {
  statement.others.push_back(handle);
  has_replaced = true;
}

void forget_replaced() noexcept {
  if (!has_replaced) return;
  statement.forget();
  has_replaced = false;
}

const Tensor& source_of_assignment(ft_handle handle) {
  if (tensors.find(handle)) [[likely]] return tensor(handle, "the right-hand side");
  const auto& kept = statement.tensors;
  const auto one = std::find_if(kept.begin(), kept.end(), [&](const Replaced& each) { return each.handle == handle; });
  return one != kept.end() ? one->tensor : tensor(handle, "the right-hand side");
}

}  // namespace ftorch
