// SPDX-License-Identifier: MIT
// Records of a file of torch.save as memory of tensors.

#include "files/pickled_storage.h"

#include <ATen/ops/as_strided.h>
#include <ATen/ops/from_blob.h>

#include "core/error.h"
#include "core/text.h"

namespace ftorch {
namespace {

struct StorageClass {
  const char* name;
  at::ScalarType dtype;
};

constexpr StorageClass classes[] = {
    {"torch.DoubleStorage", at::kDouble},
    {"torch.FloatStorage", at::kFloat},
    {"torch.HalfStorage", at::kHalf},
    {"torch.BFloat16Storage", at::kBFloat16},
    {"torch.LongStorage", at::kLong},
    {"torch.IntStorage", at::kInt},
    {"torch.ShortStorage", at::kShort},
    {"torch.CharStorage", at::kChar},
    {"torch.ByteStorage", at::kByte},
    {"torch.BoolStorage", at::kBool},
    {"torch.ComplexFloatStorage", at::kComplexFloat},
    {"torch.ComplexDoubleStorage", at::kComplexDouble},
};

at::ScalarType dtype_of(const std::string& type) {
  for (const StorageClass& one : classes) {
    if (one.name == type) return one.dtype;
  }
  fail(ft_dtype_mismatch, "elements of a " + type + " have no torch_k... constant");
}

[[noreturn]] void fail_storage(const std::string& key, const char* what) {
  fail(ft_model_error, "it is damaged: " + std::string(what) + " storage " + key);
}

}  // namespace

PickledStorages::PickledStorages(std::shared_ptr<InputFile> file) : reader_(std::move(file)) {
  if (reader_.hasRecord("byteorder") && record("byteorder") != "little")
    fail(ft_model_error, "its numbers have the bytes of another kind of machine");
}

std::string PickledStorages::record(const std::string& name) {
  const auto [data, size] = reader_.getRecord(name);
  return {static_cast<const char*>(data.get()), size};
}

const at::Tensor& PickledStorages::elements(const PickledStorage& storage) {
  const auto found = read_.find(storage.key);
  if (found != read_.end()) return found->second;
  const at::ScalarType dtype = dtype_of(storage.type);
  auto [data, size] = reader_.getRecord("data/" + storage.key);
  if (storage.size < 0 || size / c10::elementSize(dtype) != static_cast<std::size_t>(storage.size))
    fail_storage(storage.key, "another number of bytes was written for");
  void* const bytes = data.get();
  const auto owner = std::make_shared<at::DataPtr>(std::move(data));
  return read_.emplace(storage.key, at::from_blob(bytes, {storage.size}, [owner](void*) {}, dtype)).first->second;
}

at::Tensor PickledStorages::tensor(const PickledStorage& storage, std::int64_t offset,
                                   const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  const at::Tensor& all = elements(storage);
  if (dtype_of(storage.type) != all.scalar_type()) fail_storage(storage.key, "two dtypes have");
  // LibTorch checks that shape and strides stay within the storage.
  return all.as_strided(shape, strides, offset);
}

}  // namespace ftorch
