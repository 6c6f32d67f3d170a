// SPDX-License-Identifier: MIT
// Parameters, buffers and constants of an archive.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "files/archive.h"
#include "model/exported/schema.h"

namespace ftorch::exported {

/// Where a program's device and all that lies there are taken.
struct Move {
  at::Device from = at::kCPU;
  at::Device to = at::kCPU;

  at::Device operator()(at::Device device) const { return device.type() == from.type() ? to : device; }
};

class Weights {
 public:
  Weights(const Archive& archive, const std::string& model, const Move& move);
  /// With memory of its own, shared as it is here.
  Weights clone() const;

  /// A parameter or persistent buffer; fails if there is none.
  const at::Tensor& weight(const std::string& name) const;
  /// A buffer or a tensor that is not in Python's state_dict().
  const at::Tensor& constant(const std::string& name) const;
  /// The memory of a record, as bytes; undefined for other records.
  at::Tensor memory(const std::string& path) const;
  /// The record that says where parameters and buffers lie.
  const std::string& payload_path() const { return weights_.payload_path; }
  /// Of the parameters whose value is another one than in the archive.
  std::unordered_map<std::string, bool> changed_requires_grad() const;

 private:
  using Tensors = std::unordered_map<std::string, at::Tensor>;
  struct Folder {
    std::string path;
    std::string payload_path;
    std::vector<Payload> payloads;
    Tensors tensors;
  };

  Weights() = default;
  void add_memory(const Archive& archive, const Folder& folder, const Move& move);
  void make_tensors(Folder& folder);

  Folder weights_;
  Folder constants_;
  /// By the path of the record.
  Tensors memory_;
};

}  // namespace ftorch::exported
