// SPDX-License-Identifier: MIT
// Which tensors are plain.

#include "tensor/plain.h"

#include <sstream>

#include "core/error.h"

namespace ftorch {
namespace {

/// What `tensor` is instead of plain, and what a model writes to make it so.
std::string other_kind(const at::Tensor& tensor) {
  if (!tensor.defined()) return "undefined";
  if (tensor.is_meta()) return "without numbers, on the device meta";
  if (tensor.is_quantized()) return "quantised (dequantize() makes it plain)";
  if (tensor.is_nested()) return "nested (to_padded_tensor() makes it plain)";
  std::ostringstream text;
  text << "in the layout " << tensor.layout() << " (to_dense() makes it plain)";
  return text.str();
}

}  // namespace

void check_plain(const at::Tensor& tensor) {
  const bool is_plain = tensor.defined() && tensor.layout() == at::kStrided && !tensor.is_quantized() &&
                        !tensor.is_nested() && !tensor.is_meta();
  if (!is_plain) [[unlikely]]
    fail(ft_invalid_argument, "the tensor is " + other_kind(tensor) + "; only plain tensors can be taken");
}

}  // namespace ftorch
