// SPDX-License-Identifier: MIT
// Which values of a TorchScript program may share memory, or hold each other, and which of them it changes.
#pragma once

#include <ATen/core/class_type.h>
#include <ATen/core/function.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/ir/ir.h>

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace ftorch {

/// What a value can hand on: nothing that can change, a tensor, or something that holds tensors.
enum class Holds { nothing, tensor, others };

Holds holds(const c10::Type& type);

/// Made by reading a program once, with all that it calls, as it runs in one mode. A place is the number of a value, or
/// of the attributes of one name.
class AliasGraph {
 public:
  using Place = std::size_t;
  using Places = std::vector<Place>;

  struct Attribute {
    const c10::ClassType* owner;
    std::size_t slot;
    c10::TypePtr type;
    Place place;
  };
  /// A change of an object or of a container.
  struct Insertion {
    Place into;
    Places values;
    bool holds_objects;
  };
  struct Setting {
    Attribute attribute;
    Insertion insertion;
  };

  AliasGraph(const torch::jit::Graph& program, const c10::IValue& module, bool is_training);

  /// True for each place from which one of `places` may have come, and for themselves.
  std::vector<bool> sources(const Places& places) const { return reached(places, sources_); }
  /// True for each place to which one of `places` may go, and for themselves.
  std::vector<bool> targets(const Places& places) const { return reached(places, targets_); }

  /// The module, and what the program is given.
  Places inputs;
  std::vector<Attribute> attributes_read;
  std::vector<Setting> attributes_set;
  std::vector<std::pair<Place, c10::IValue>> constants;
  Places written_tensors;
  std::vector<Insertion> written_containers;
  /// A tensor gets other memory.
  bool replaces_memory = false;
  /// Something happens that cannot be followed.
  bool is_incomplete = false;
  /// An operator asks for gradients, or may because it is not LibTorch's.
  bool may_ask_autograd = false;

 private:
  using Block = torch::jit::Block;
  using Node = torch::jit::Node;
  using Value = torch::jit::Value;
  using Edges = std::vector<Places>;

  std::vector<bool> reached(const Places& places, const Edges& edges) const;
  Place new_place();
  Place place_of(const Value* value);
  Place place_of(const std::string& name);
  void connect(Place from, Place to, bool is_mutual);
  void connect(const Value* from, const Value* to);
  void connect_all(at::ArrayRef<const Value*> from, at::ArrayRef<const Value*> to);
  Places places_that_hold(at::ArrayRef<const Value*> values, const Value* except);

  std::optional<bool> known(const Value* value);
  std::optional<bool> find_known(const Value* value);

  void read(const Block& block);
  void read(const Node& node);
  void read_constant(const Node& node);
  void read_get(const Node& node);
  void read_set(const Node& node);
  void read_branches(const Node& node);
  void read_loop(const Node& node);
  void read_method(const Node& node, const std::string& name);
  void read_function(torch::jit::Function& function, const Node& node, std::size_t first);
  void read_graph(const torch::jit::Graph& graph, at::ArrayRef<const Value*> given, at::ArrayRef<const Value*> results);
  void read_operator(const Node& node, const c10::FunctionSchema& schema);
  void read_written(const Node& node, const Value* written, bool holds_written);
  bool writes(const Node& node, const c10::FunctionSchema& schema, std::size_t argument);

  bool is_training_;
  std::unordered_map<const Value*, Place> values_;
  std::unordered_map<std::string, Place> names_;
  std::unordered_map<const Value*, std::optional<bool>> known_;
  std::vector<std::shared_ptr<c10::ClassType>> classes_;
  std::unordered_set<const torch::jit::Graph*> read_;
  std::vector<std::shared_ptr<const torch::jit::Graph>> kept_;
  Edges sources_;
  Edges targets_;
};

}  // namespace ftorch
