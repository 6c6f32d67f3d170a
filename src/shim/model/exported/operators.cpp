// SPDX-License-Identifier: MIT
// Targets of nodes as operators of the dispatcher.

#include "model/exported/operators.h"

#include <string_view>

#include "tensor/operator_aliases.h"

namespace ftorch::exported {

std::optional<BoxedOperator> find_operator(const std::string& target) {
  constexpr std::string_view prefix = "torch.ops.";
  if (!target.starts_with(prefix)) return {};
  const std::size_t space = target.find('.', prefix.size());
  const std::size_t last = target.rfind('.');
  if (space == target.npos || last <= space) return {};
  const std::string overload = target.substr(last + 1);
  const std::string name = target.substr(prefix.size(), space - prefix.size()) +
                           "::" + target.substr(space + 1, last - space - 1);
  if (reaches_beyond_tensors(name)) return {};
  return BoxedOperator::find(name, overload == "default" ? "" : overload);
}

}  // namespace ftorch::exported
