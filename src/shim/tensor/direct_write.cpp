// SPDX-License-Identifier: MIT
// Results that a kernel may compute in the memory of their target, without a temporary.

#include "tensor/direct_write.h"

#include <ATen/core/grad_mode.h>

#include <cstdlib>

namespace ftorch {

bool may_write_directly(const Tensor& target, const at::Tensor& operand) {
  const at::Tensor& array = target.attached;
  if (operand.scalar_type() != array.scalar_type() || operand.sizes() != array.sizes() ||
      operand.strides() != array.strides() || operand.key_set() != array.key_set())
    return false;
  if (operand.requires_grad() && at::GradMode::is_enabled()) return false;
  // Of one form, they meet if one begins within the other.
  const std::ptrdiff_t distance = static_cast<const char*>(operand.const_data_ptr()) -
                                  static_cast<const char*>(array.const_data_ptr());
  return distance == 0 || std::abs(distance) >= static_cast<std::ptrdiff_t>(array.storage().nbytes());
}

}  // namespace ftorch
