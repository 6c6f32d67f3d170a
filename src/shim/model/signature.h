// SPDX-License-Identifier: MIT
// What a TorchScript program takes and returns, as tensors in a row.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>

#include <optional>
#include <string>
#include <vector>

#include "model/model.h"

namespace torch::jit {
struct Graph;
}

namespace ftorch {

/// Numbers are tensors without dimensions; tuples, lists and dicts are their elements, one after the other.
class Signature {
 public:
  /// `program` has the module as its first input.
  Signature(const c10::FunctionSchema& schema, const torch::jit::Graph& program);

  /// Puts what the tensors stand for onto the stack, and the defaults of arguments that have none.
  void push(at::TensorList inputs, std::vector<c10::IValue>& stack) const;
  /// False if arguments are made of the numbers in tensors.
  bool takes_tensors_alone() const { return takes_tensors_alone_; }
  /// One name for each tensor, `state_0` for an element and `fields_humidity` for one in a dict. A list of any length has one.
  std::vector<std::string> input_names() const;

  /// How many tensors a result is, if the schema says so.
  std::optional<std::size_t> result_count() const { return result_count_; }
  /// Fields of a named tuple of tensors; else output_1, output_2, ...
  std::vector<std::string> output_names() const { return output_names_; }

 private:
  struct Argument {
    c10::Argument schema;
    /// Of a dict; none if the program does not name them.
    std::vector<std::string> keys;
    /// How many tensors it is; none for a list.
    std::optional<std::size_t> count;
  };

  void push_tensors(at::TensorList inputs, std::vector<c10::IValue>& stack) const;
  [[noreturn]] void fail_count(std::size_t count) const;
  std::size_t list_size(std::size_t count) const;

  std::vector<Argument> arguments_;
  /// How many arguments have no default.
  std::size_t required_ = 0;
  /// How many tensors all arguments are, without lists.
  std::size_t most_ = 0;
  bool takes_tensors_alone_ = true;
  bool has_list_ = false;
  std::optional<std::size_t> result_count_;
  std::vector<std::string> output_names_;
};

/// Adds the tensors of a result to `tensors`, depth first, without None; all are plain.
void flatten_result(c10::IValue&& result, PassTensors& tensors);

}  // namespace ftorch
