// SPDX-License-Identifier: MIT
// Targets of nodes as operators of the dispatcher.

#include "model/exported/operators.h"

#include <algorithm>
#include <string_view>

namespace ftorch::exported {
namespace {

/// Operators that no export writes, and that reach beyond the memory of tensors: a file could do harm with them.
bool is_harmful(std::string_view name) {
  constexpr std::string_view namespaces[] = {"inductor::", "c10d::",     "_c10d_functional",
                                             "symm_mem::", "profiler::", "static_runtime::"};
  return name == "aten::from_file" || name.ends_with("_tensor_unsafe") ||
         std::any_of(std::begin(namespaces), std::end(namespaces), [&](auto space) { return name.starts_with(space); });
}

}  // namespace

std::optional<BoxedOperator> find_operator(const std::string& target) {
  constexpr std::string_view prefix = "torch.ops.";
  if (!target.starts_with(prefix)) return {};
  const std::size_t space = target.find('.', prefix.size());
  const std::size_t last = target.rfind('.');
  if (space == target.npos || last <= space) return {};
  const std::string overload = target.substr(last + 1);
  const std::string name = target.substr(prefix.size(), space - prefix.size()) +
                           "::" + target.substr(space + 1, last - space - 1);
  if (is_harmful(name)) return {};
  return BoxedOperator::find(name, overload == "default" ? "" : overload);
}

}  // namespace ftorch::exported
