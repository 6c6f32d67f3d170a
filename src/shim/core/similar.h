// SPDX-License-Identifier: MIT
// Names that a caller may have meant.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ftorch {

/// "a, b, c and 7 more", those first that take the fewest changes of a character from `name`; "none" for no names.
std::string most_similar(std::string_view name, std::vector<std::string> names);

}  // namespace ftorch
