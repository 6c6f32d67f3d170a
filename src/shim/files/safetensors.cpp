// SPDX-License-Identifier: MIT
// Writing and reading of safetensors files: the size of a head in JSON, the head, the bytes of all tensors.

#include "files/safetensors.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/view_as_complex.h>
#include <ATen/ops/view_as_real.h>

#include <algorithm>

#include "core/error.h"
#include "core/text.h"
#include "files/atomic_file.h"
#include "files/crc32.h"
#include "files/safetensors_head.h"

namespace ftorch {
namespace {

/// What the format stores for a tensor: complex numbers of double precision as pairs of real ones.
at::Tensor stored_form(const at::Tensor& tensor) {
  const at::Tensor detached = tensor.detach();
  return detached.scalar_type() == at::kComplexDouble ? at::view_as_real(detached.resolve_conj().resolve_neg())
                                                      : detached;
}

/// The bytes as they are written; a copy unless the tensor is dense on the host.
at::Tensor dense(const at::Tensor& tensor) {
  return stored_form(tensor).cpu().resolve_conj().resolve_neg().contiguous();
}

void check_booleans(const at::Tensor& tensor) {
  const auto* const bytes = static_cast<const unsigned char*>(tensor.const_data_ptr());
  if (std::any_of(bytes, bytes + tensor.numel(), [](unsigned char byte) { return byte > 1; }))
    fail_damaged_file("it is BOOL and holds a byte that is neither 0 nor 1");
}

at::Tensor read_tensor(const InputFile& file, std::uint64_t data, const HeadEntry& entry) {
  const std::string subject = "'" + entry.name + "'";
  Context context(subject.c_str());
  at::Tensor tensor = at::empty(entry.shape, entry.dtype);
  file.read(data + entry.begin, tensor.mutable_data_ptr(), entry.end - entry.begin);
  if (entry.checksum && crc32(0, tensor.const_data_ptr(), entry.end - entry.begin) != *entry.checksum)
    fail_damaged_file("its checksum is wrong");
  if (entry.dtype == at::kBool) check_booleans(tensor);
  return entry.is_viewed_as_complex ? at::view_as_complex(tensor) : tensor;
}

Head head_of(const SafeTensors& content) {
  for (const auto& [name, tensor] : content.tensors) check_free_name(name);
  for (const auto& [name, text] : content.texts) check_free_name(name);
  Head head;
  head.texts = content.texts;
  for (const auto& [name, tensor] : content.tensors) {
    const std::string subject = "'" + name + "'";
    Context context(subject.c_str());
    const at::Tensor bytes = dense(tensor);
    head.entries.push_back({name, bytes.scalar_type(), bytes.sizes().vec(), 0, bytes.nbytes(),
                            crc32(0, bytes.const_data_ptr(), bytes.nbytes()),
                            tensor.scalar_type() == at::kComplexDouble});
  }
  return head;
}

}  // namespace

SafeTensors read_safetensors(const InputFile& file) {
  at::NoGradGuard no_grad;
  Head head = read_head(file);
  SafeTensors content;
  for (const HeadEntry& entry : head.entries)
    content.tensors.emplace_back(entry.name, read_tensor(file, head.data, entry));
  content.texts = std::move(head.texts);
  return content;
}

std::string settle(SafeTensors& content) {
  at::NoGradGuard no_grad;
  for (auto& [name, tensor] : content.tensors) tensor = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous();
  Head head = head_of(content);
  std::vector<std::pair<std::string, at::Tensor>> in_order;
  for (const std::size_t i : place_entries(head)) in_order.push_back(std::move(content.tensors[i]));
  content.tensors = std::move(in_order);
  return head_text(head);
}

SafeTensors from_head(const std::string& text) {
  at::NoGradGuard no_grad;
  Head head = parse_head(text, std::nullopt);
  SafeTensors content;
  for (const HeadEntry& entry : head.entries) {
    const at::Tensor tensor = at::empty(entry.shape, entry.dtype);
    content.tensors.emplace_back(entry.name, entry.is_viewed_as_complex ? at::view_as_complex(tensor) : tensor);
  }
  content.texts = std::move(head.texts);
  return content;
}

Bytes bytes_of(const at::Tensor& tensor) {
  return {const_cast<void*>(tensor.const_data_ptr()), static_cast<std::int64_t>(tensor.nbytes())};
}

void write_safetensors(const std::string& filename, const SafeTensors& content) {
  at::NoGradGuard no_grad;
  AtomicFile file(filename);
  Head head = head_of(content);
  const std::vector<std::size_t> order = place_entries(head);
  const std::string text = head_text(head);
  file.write(text.data(), text.size());
  for (const std::size_t i : order) {
    const at::Tensor bytes = dense(content.tensors[i].second);
    file.write(bytes.const_data_ptr(), bytes.nbytes());
  }
  file.commit();
}

}  // namespace ftorch
