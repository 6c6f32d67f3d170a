// SPDX-License-Identifier: MIT
// The text that ft_text() gives: the last failure, or what a ft_*_text entry made.
#pragma once

#include <string>
#include <string_view>

namespace ftorch {

/// Failures are cut at 4000 characters and never allocate.
void set_failure(std::string_view message) noexcept;
void set_text(std::string text);

}  // namespace ftorch
