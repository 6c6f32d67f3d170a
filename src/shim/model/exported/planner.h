// SPDX-License-Identifier: MIT
// From the graphs of a program to blocks.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/exported/plan.h"
#include "model/exported/regions.h"

namespace ftorch::exported {

class Planner {
 public:
  Planner(Plan& plan, const BoundValues& weights, const Move& move) : plan_(plan), weights_(weights), move_(move) {}

  Block program(const Program& program);

 private:
  /// What a name in a graph stands for.
  struct Value {
    std::int64_t slot = Target::nowhere;
    const c10::IValue* constant = nullptr;
    /// The parameter or buffer that it is, in its graph's own words.
    std::string weight;
  };
  struct Scope {
    const Graph& graph;
    std::unordered_map<std::string, Value> values;
    Block block;
  };

  Value new_value(Scope& scope, const std::string& name);
  const Value& value(const Scope& scope, const std::string& name) const;
  const c10::IValue& constant(c10::IValue value);
  Operand fixed(c10::IValue value);
  void add_inputs(Scope& scope, const std::vector<std::optional<Value>>& bound);
  Block finish(Scope& scope, const std::vector<Argument>& outputs);
  Block block(const Graph& graph, const std::vector<std::optional<Value>>& bound);

  void add_step(Scope& scope, const Node& node);
  void add_operator(Scope& scope, const Node& node, const BoxedOperator& boxed);
  void add_function(Scope& scope, const Node& node, const Function& function);
  void add_region(Scope& scope, const Node& node);
  void find_counters(const Program& program);
  void add_batch_count(Scope& scope, const Node& node, const c10::IValue& mode);
  std::unique_ptr<Operation> operation(const Scope& scope, const Node& node, const BoxedOperator& boxed) const;
  bool is_counter(const Scope& scope, const Argument& argument) const;

  c10::IValue boxed(const Argument& argument) const;
  std::optional<c10::IValue> boxed_if_constant(const Scope& scope, const Argument& argument) const;
  Operand operand(const Scope& scope, const Argument& argument);
  Operand operand(const Scope& scope, const Argument& argument, const c10::Argument& formal);
  std::optional<c10::IValue> same_dtype(const Scope& scope, const Node& node, const c10::FunctionSchema& schema,
                                        const c10::Argument& formal, const Argument& argument) const;
  Target target(Scope& scope, const Argument& output);

  struct Counter {
    c10::IValue value;
    bool is_counted;
  };

  Plan& plan_;
  /// Of normalisations, by their names as buffers.
  std::unordered_map<std::string, Counter> counters_;
  const BoundValues& weights_;
  const Move& move_;
};

}  // namespace ftorch::exported
