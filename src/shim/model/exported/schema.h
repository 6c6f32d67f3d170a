// SPDX-License-Identifier: MIT
// What an archive of torch.export.save says of its program, after torch/_export/serde/schema.py.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <complex>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace ftorch::exported {

/// A number, or an expression of symbols.
struct Size {
  std::int64_t value = 0;
  std::string expression;
};

struct TensorForm {
  at::ScalarType dtype;
  std::vector<Size> sizes;
  std::vector<Size> strides;
  Size offset;
  bool requires_grad;
  at::Device device;
};

struct Graph;

/// What a node is given or makes.
struct Argument {
  enum class Kind {
    none,
    truth,
    integer,
    real,
    complex,
    text,
    scalar_type,
    layout,
    memory_format,
    device,
    tensor,
    number,
    condition,
    list,
    graph
  };

  Kind kind = Kind::none;
  /// Of a truth, an integer, and what LibTorch counts.
  std::int64_t integer = 0;
  std::complex<double> real;
  /// True for a tensor, a number or a condition that a graph computes.
  bool is_value() const { return kind == Kind::tensor || kind == Kind::number || kind == Kind::condition; }

  /// A text, or the name of a value.
  std::string text;
  at::Device device = at::kCPU;
  std::vector<Argument> items;
  std::shared_ptr<const Graph> graph;
};

struct NamedArgument {
  std::string name;
  Argument argument;
};

struct Node {
  std::string name;
  std::string target;
  std::vector<NamedArgument> inputs;
  std::vector<Argument> outputs;
  /// Where the line of Python stands that made it, `model.py:12`; empty if the archive does not say so.
  std::string place;
  /// Made by torch.nn.MultiheadAttention.
  bool is_of_attention = false;
};

struct Graph {
  std::vector<Argument> inputs;
  std::vector<Argument> outputs;
  std::vector<Node> nodes;
  std::unordered_map<std::string, TensorForm> tensors;
  std::unordered_map<std::string, Size> numbers;
};

struct Input {
  enum class Kind { parameter, buffer, constant, user, fixed };
  Kind kind;
  /// Of the value in the graph.
  std::string value;
  /// Of the parameter, buffer or constant.
  std::string name;
  bool is_persistent = true;
  /// What the program was made for.
  Argument fixed;
};

struct Output {
  enum class Kind { user, buffer, parameter, input };
  Kind kind;
  Argument argument;
  /// Of what takes the value after a pass.
  std::string name;
};

struct Range {
  std::optional<std::int64_t> least;
  std::optional<std::int64_t> most;
};

struct Program {
  Graph graph;
  std::vector<Input> inputs;
  std::vector<Output> outputs;
  /// By the expression.
  std::vector<std::pair<std::string, Range>> ranges;
  /// Conditions in Python.
  std::vector<std::string> guards;
  /// By run_decompositions().
  bool is_decomposed = false;
  /// The trees that inputs and outputs are leaves of, in PyTorch's JSON; empty if the archive does not say so.
  std::string input_tree;
  std::string output_tree;
  std::vector<std::string> argument_names;
};

/// "node linear_1, torch.ops.aten.linear.default (model.py:12)"
std::string describe(const Node& node);

/// Where a tensor lies in the archive.
struct Payload {
  std::string name;
  std::string record;
  bool is_parameter;
  bool is_pickled;
  std::optional<TensorForm> form;
};

/// Fails for a program that this library does not know, or that is none.
Program read_program(std::string_view json);

std::vector<Payload> read_payloads(std::string_view json);

/// The payloads with other values of requires_grad.
std::string with_requires_grad(std::string_view json, const std::unordered_map<std::string, bool>& requires_grad);

}  // namespace ftorch::exported
