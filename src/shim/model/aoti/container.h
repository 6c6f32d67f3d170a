// SPDX-License-Identifier: MIT
// The compiled program of a package: LibTorch's container behind its C entries, which check nothing.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/SmallVector.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace ftorch::aoti {

class Container {
 public:
  /// Loads a library.
  explicit Container(const std::string& library);
  ~Container();
  Container(const Container&) = delete;
  Container& operator=(const Container&) = delete;

  std::size_t input_count() const { return input_count_; }
  /// Of results, with the undefined ones that stand for None.
  std::size_t output_count() const { return output_count_; }

  /// Runs the program and returns its results; the inputs have the forms and strides that it was compiled for. From any thread.
  c10::SmallVector<at::Tensor, 8> run(at::TensorList inputs);

  /// Tensors that the code has beside it, by their names in the network. Their memory is the container's.
  std::unordered_map<std::string, at::Tensor> constants() const;
  /// The program computes with these, by the same names, from now on and in their own memory. Not while it runs.
  void use(const std::unordered_map<std::string, at::Tensor>& constants);

 private:
  class Runner;
  static std::unique_ptr<Runner> load(const std::string& library);

  std::unique_ptr<Runner> runner_;
  std::size_t input_count_;
  std::size_t output_count_;
  /// The container has addresses of them.
  std::unordered_map<std::string, at::Tensor> used_;
};

}  // namespace ftorch::aoti
