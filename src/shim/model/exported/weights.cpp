// SPDX-License-Identifier: MIT
// Records of an archive as memory of tensors. A tensor lies in a record as the archive says, so that tensors share what they shared.

#include "model/exported/weights.h"

#include <ATen/ops/empty.h>

#include <map>

#include "core/text.h"
#include "model/named_memory.h"

namespace ftorch::exported {
namespace {

std::vector<std::int64_t> fixed(const std::vector<Size>& sizes) {
  std::vector<std::int64_t> values;
  for (const Size& size : sizes) {
    if (!size.expression.empty() || size.value < 0) fail(ft_model_error, "a size or stride of it is no number");
    values.push_back(size.value);
  }
  return values;
}

/// Fails unless all elements lie in memory of `bytes` bytes.
void check_lies_within(const std::vector<std::int64_t>& sizes, const std::vector<std::int64_t>& strides,
                       std::int64_t offset, std::size_t item_size, std::int64_t bytes) {
  bool is_wrong = sizes.size() != strides.size() || offset < 0;
  bool is_empty = false;
  std::int64_t last = offset;
  for (std::size_t i = 0; i < sizes.size() && !is_wrong; ++i) {
    std::int64_t span = 0;
    is_empty |= sizes[i] == 0;
    is_wrong = __builtin_mul_overflow(sizes[i] - (sizes[i] > 0), strides[i], &span) ||
               __builtin_add_overflow(last, span, &last);
  }
  const std::int64_t room = bytes / static_cast<std::int64_t>(item_size);
  if (is_wrong || (is_empty ? offset > room : last >= room))
    fail(ft_model_error, "it does not lie within its record, which has " + std::to_string(bytes) + " bytes");
}

at::Tensor view_of(const at::Tensor& memory, const TensorForm& form) {
  const std::vector<std::int64_t> sizes = fixed(form.sizes);
  const std::vector<std::int64_t> strides = fixed(form.strides);
  const std::int64_t offset = fixed({form.offset})[0];
  check_lies_within(sizes, strides, offset, c10::elementSize(form.dtype), memory.numel());
  return at::empty({0}, memory.options().dtype(form.dtype)).set_(memory.storage(), offset, sizes, strides);
}

}  // namespace

Weights::Weights(const Archive& archive, const std::string& model, const Move& move)
    : weights_{"data/weights/", "data/weights/" + model + "_weights_config.json", {}, {}},
      constants_{"data/constants/", "data/constants/" + model + "_constants_config.json", {}, {}} {
  for (Folder* const folder : {&weights_, &constants_}) {
    const Context context(folder->payload_path.c_str());
    folder->payloads = read_payloads(archive.read(folder->payload_path));
    add_memory(archive, *folder, move);
    make_tensors(*folder);
  }
}

void Weights::add_memory(const Archive& archive, const Folder& folder, const Move& move) {
  for (const Payload& payload : folder.payloads) {
    const Context context(payload.name.c_str());
    if (payload.is_pickled || !payload.form)
      fail(ft_model_error,
           "it is a pickled Python object, of which FTorch makes none; only plain tensors can be loaded");
    const std::string path = folder.path + payload.record;
    if (memory_.count(path) > 0) continue;
    const Archive::Record* const record = archive.find(path);
    if (!record) fail(ft_model_error, "the archive has no record " + path);
    if (record->size > archive.size())
      fail(ft_model_error, "the archive is cut short or damaged: it ends before " + path);
    const at::Tensor memory = at::empty({static_cast<std::int64_t>(record->size)}, at::kByte);
    archive.read(*record, memory.mutable_data_ptr());
    memory_.emplace(path, memory.to(move(payload.form->device)));
  }
}

void Weights::make_tensors(Folder& folder) {
  // One tensor of a module that has two names is one tensor here.
  std::map<
      std::tuple<std::string, bool, at::ScalarType, std::vector<std::int64_t>, std::vector<std::int64_t>, std::int64_t>,
      at::Tensor>
      made;
  for (const Payload& payload : folder.payloads) {
    const Context context(payload.name.c_str());
    const TensorForm& form = *payload.form;
    at::Tensor& tensor = made[{payload.record, payload.is_parameter, form.dtype, fixed(form.sizes), fixed(form.strides),
                               form.offset.value}];
    if (!tensor.defined()) {
      tensor = view_of(memory_.at(folder.path + payload.record), form);
      if (payload.is_parameter && is_differentiable(tensor)) tensor.set_requires_grad(form.requires_grad);
    }
    folder.tensors.emplace(payload.name, tensor);
  }
}

Weights Weights::clone() const {
  Weights copy;
  copy.weights_ = {weights_.path, weights_.payload_path, weights_.payloads, {}};
  copy.constants_ = {constants_.path, constants_.payload_path, constants_.payloads, {}};
  for (const auto& [path, memory] : memory_) copy.memory_.emplace(path, memory.clone());
  copy.make_tensors(copy.weights_);
  copy.make_tensors(copy.constants_);
  for (const auto& [name, requires_grad] : changed_requires_grad())
    copy.weights_.tensors.at(name).set_requires_grad(requires_grad);
  return copy;
}

const at::Tensor& Weights::weight(const std::string& name) const {
  const auto found = weights_.tensors.find(name);
  if (found == weights_.tensors.end()) fail(ft_model_error, "the archive has no weight '" + name + "'");
  return found->second;
}

const at::Tensor& Weights::constant(const std::string& name) const {
  const auto found = constants_.tensors.find(name);
  if (found == constants_.tensors.end()) fail(ft_model_error, "the archive has no constant '" + name + "'");
  return found->second;
}

at::Tensor Weights::memory(const std::string& path) const {
  const auto found = memory_.find(path);
  return found == memory_.end() ? at::Tensor() : found->second;
}

std::unordered_map<std::string, bool> Weights::changed_requires_grad() const {
  std::unordered_map<std::string, bool> changed;
  for (const Payload& payload : weights_.payloads) {
    const bool requires_grad = weights_.tensors.at(payload.name).requires_grad();
    if (payload.is_parameter && requires_grad != payload.form->requires_grad) changed[payload.name] = requires_grad;
  }
  return changed;
}

}  // namespace ftorch::exported
