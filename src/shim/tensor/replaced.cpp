// SPDX-License-Identifier: MIT
// What the statement at hand replaced, in the thread that runs it.

#include "tensor/replaced.h"

#include <c10/util/flat_hash_map.h>

#include <utility>
#include <vector>

#include "core/guard.h"
#include "tensor/release.h"

namespace ftorch {
namespace {

/// Keeps the memory of a short statement for the next one.
template <class Table>
void empty(Table& table) {
  constexpr std::size_t few = 64;
  if (table.bucket_count() > few) Table().swap(table);
  else table.clear();
}

struct Statement {
  /// What each handle named.
  ska::flat_hash_map<ft_handle, Tensor> tensors;
  /// The objects that were replaced. A statement replaces an object once.
  ska::flat_hash_set<std::uint32_t> objects;
  std::vector<ft_handle> others;

  void forget() {
    empty(tensors);
    empty(objects);
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
  Statement& here = found_once(statement);
  if (here.objects.count(object) > 0) here.forget();
  here.objects.insert(object);
  here.tensors[handle].value = std::move(value);
  this_thread().has_replaced = true;
}

void release_later(ft_handle handle) {
  Statement& here = found_once(statement);
  if (here.others.size() >= most_others) here.forget();
  here.others.push_back(handle);
  this_thread().has_replaced = true;
}

void forget_replaced() noexcept {
  ThreadState& thread = this_thread();
  if (!thread.has_replaced) return;
  statement.forget();
  thread.has_replaced = false;
}

const Tensor& source_of_assignment(ft_handle handle) {
  if (tensors.find(handle)) [[likely]]
    return tensor(handle, "the right-hand side");
  const auto kept = statement.tensors.find(handle);
  return kept != statement.tensors.end() ? kept->second : tensor(handle, "the right-hand side");
}

bool is_readable(ft_handle handle) { return tensors.find(handle) || statement.tensors.count(handle) > 0; }

}  // namespace ftorch
