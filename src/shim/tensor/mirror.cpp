// SPDX-License-Identifier: MIT
// Arrays at addresses where LibTorch's kernels cannot work: the value is a copy, brought up to date at each use.

#include "tensor/mirror.h"

#include <ATen/ops/empty_like.h>

#include <cstdint>
#include <cstring>
#include <mutex>

#include "tensor/elements.h"
#include "tensor/tensor.h"

namespace ftorch {

bool needs_mirror(const void* data, c10::ScalarType dtype) {
  return dtype == at::kComplexDouble && reinterpret_cast<std::uintptr_t>(data) % alignof(c10::complex<double>) != 0;
}

at::Tensor mirror_of(const at::Tensor& attached) {
  at::Tensor mirror = at::empty_like(attached, attached.options());
  copy_numbers(mirror, attached);
  return mirror;
}

void refresh_mirror(Tensor& tensor) {
  at::Tensor& value = tensor.value;
  // The result of a graph stays until the next one, as it does beside any array.
  if (value.requires_grad() && !value.is_leaf()) return;
  // Threads may read one tensor; only the first finds a difference.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  at::Tensor now = mirror_of(tensor.attached);
  const bool is_mirrored = !value.is_same(tensor.attached);
  if (is_mirrored && std::memcmp(now.const_data_ptr(), value.const_data_ptr(), now.nbytes()) == 0) return;
  if (!value.requires_grad()) {
    value = std::move(now);
    return;
  }
  std::memcpy(value.mutable_data_ptr(), now.const_data_ptr(), now.nbytes());
  value.unsafeGetTensorImpl()->bump_version();
}

}  // namespace ftorch
