// SPDX-License-Identifier: MIT
// What the statement at hand replaced, in the thread that runs it.

#include "tensor/replaced.h"

#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/guard.h"
#include "tensor/release.h"

namespace ftorch {
namespace {

struct Statement {
  /// What each handle named.
  std::unordered_map<ft_handle, Tensor> tensors;
  /// The objects that were replaced. A statement replaces an object once.
  std::unordered_set<std::uint32_t> objects;
  std::vector<ft_handle> others;

  void forget() {
    tensors.clear();
    objects.clear();
    for (const ft_handle handle : others) release_object(handle);
    others.clear();
  }
  ~Statement() { forget(); }
};

constexpr std::size_t most_others = 64;

thread_local Statement statement;

}  // namespace

void keep_replaced(ft_handle handle, at::Tensor value) {
  const std::uint32_t object = tensors.identity(handle).index;
  if (statement.objects.count(object) > 0) statement.forget();
  statement.objects.insert(object);
  statement.tensors[handle].value = std::move(value);
  has_replaced = true;
}

void release_later(ft_handle handle) {
  if (statement.others.size() >= most_others) statement.forget();
  statement.others.push_back(handle);
  has_replaced = true;
}

void forget_replaced() noexcept {
  if (!has_replaced) return;
  statement.forget();
  has_replaced = false;
}

const Tensor& source_of_assignment(ft_handle handle) {
  if (tensors.find(handle)) [[likely]]
    return tensor(handle, "the right-hand side");
  const auto kept = statement.tensors.find(handle);
  return kept != statement.tensors.end() ? kept->second : tensor(handle, "the right-hand side");
}

bool is_readable(ft_handle handle) { return tensors.find(handle) || statement.tensors.count(handle) > 0; }

}  // namespace ftorch
