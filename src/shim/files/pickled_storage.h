// SPDX-License-Identifier: MIT
// Memory of tensors in files that Python's torch.save wrote.
#pragma once

#include <ATen/core/Tensor.h>
#include <caffe2/serialize/inline_container.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "files/input_file.h"

namespace ftorch {

/// What a pickle says of a storage: its class, such as torch.FloatStorage, its record, its number of elements.
struct PickledStorage {
  std::string type;
  std::string key;
  std::int64_t size;
};

/// The records of one file; each storage is read once.
class PickledStorages {
 public:
  explicit PickledStorages(std::shared_ptr<InputFile> file);

  std::string record(const std::string& name);
  /// A view of a storage, if it lies within.
  at::Tensor tensor(const PickledStorage& storage, std::int64_t offset, const std::vector<std::int64_t>& shape,
                    const std::vector<std::int64_t>& strides);

 private:
  const at::Tensor& elements(const PickledStorage& storage);

  caffe2::serialize::PyTorchStreamReader reader_;
  std::map<std::string, at::Tensor> read_;
};

}  // namespace ftorch
