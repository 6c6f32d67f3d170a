// SPDX-License-Identifier: MIT
// Parameters and buffers of compiled code.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/aoti/code.h"
#include "model/aoti/container.h"
#include "model/model.h"

namespace ftorch::aoti {

class State {
 public:
  /// The tensors beside the code; none if it was compiled with its weights in it.
  State(const Code& code, const std::shared_ptr<Container>& container);

  NamedTensors named(exported::Input::Kind kind) const;
  /// Those that a pass writes.
  std::vector<at::Tensor> written() const;
  bool is_written() const { return !written_.empty(); }
  bool owns(const at::Tensor& tensor) const;

  /// Takes the numbers of another one of the same code.
  void copy(const State& other);
  /// Computes with the memory of these tensors from now on. Fails, and changes nothing, unless all that the code uses are among
  /// them with its dtypes, sizes and strides.
  void share(const NamedTensors& tensors, Container& container);

 private:
  struct Part {
    exported::Input::Kind kind;
    std::string name;
    at::Tensor tensor;
    /// Its name in the code; empty for one that the code does not use.
    std::string constant;
  };

  Part part(const Code& code, const exported::Input& input, const std::shared_ptr<Container>& container) const;

  std::vector<Part> parts_;
  std::vector<std::size_t> written_;
  /// All tensors of the container, also those without names in the network.
  std::unordered_map<std::string, at::Tensor> constants_;
};

}  // namespace ftorch::aoti
