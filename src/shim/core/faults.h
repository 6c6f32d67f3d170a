// SPDX-License-Identifier: MIT
// Which status a failure has that LibTorch found.
#pragma once

#include <string_view>

namespace ftorch {

/// ft_shape_mismatch, ft_dtype_mismatch or ft_device_unavailable if that is what the message of an operator speaks of, else
/// `other`.
int status_of_message(std::string_view message, int other) noexcept;

}  // namespace ftorch
