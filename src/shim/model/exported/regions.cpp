// SPDX-License-Identifier: MIT
// The loops run as PyTorch's eager mode runs them, so that their gradients are those of the operators within.

#include "model/exported/regions.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>
#include <c10/util/ScopeExit.h>

#include <algorithm>

#include "core/error.h"

namespace ftorch::exported {
namespace {

constexpr std::string_view region_prefix = "torch.ops.higher_order.";

class Plain final : public Operation {
 public:
  explicit Plain(Block block) : block_(std::move(block)) {}
  void run(Stack& stack) const override { block_.run(stack); }

 private:
  Block block_;
};

class WithGradients final : public Operation {
 public:
  WithGradients(bool is_enabled, Block block) : is_enabled_(is_enabled), block_(std::move(block)) {}
  void run(Stack& stack) const override {
    const at::AutoGradMode mode(is_enabled_);
    block_.run(stack);
  }

 private:
  bool is_enabled_;
  Block block_;
};

class WithAutocast final : public Operation {
 public:
  WithAutocast(at::DeviceType device, std::optional<at::ScalarType> dtype, bool is_enabled, bool is_cached, Block block)
      : device_(device), dtype_(dtype), is_enabled_(is_enabled), is_cached_(is_cached), block_(std::move(block)) {}

  void run(Stack& stack) const override {
    namespace autocast = at::autocast;
    const bool was_enabled = autocast::is_autocast_enabled(device_);
    const bool was_cached = autocast::is_autocast_cache_enabled();
    const at::ScalarType dtype = autocast::get_autocast_dtype(device_);
    autocast::increment_nesting();
    const auto end = c10::make_scope_exit([&] {
      if (autocast::decrement_nesting() == 0) autocast::clear_cache();
      autocast::set_autocast_enabled(device_, was_enabled);
      autocast::set_autocast_cache_enabled(was_cached);
      autocast::set_autocast_dtype(device_, dtype);
    });
    autocast::set_autocast_enabled(device_, is_enabled_);
    autocast::set_autocast_cache_enabled(is_cached_);
    if (dtype_) autocast::set_autocast_dtype(device_, *dtype_);
    block_.run(stack);
  }

 private:
  at::DeviceType device_;
  std::optional<at::ScalarType> dtype_;
  bool is_enabled_;
  bool is_cached_;
  Block block_;
};

bool is_true(const c10::IValue& value) {
  if (!value.isTensor()) return Number(value).as_truth();
  if (value.toTensor().numel() != 1) fail(ft_model_error, "its condition has more than one element");
  return value.toTensor().item().toBool();
}

class Branches final : public Operation {
 public:
  Branches(Block if_true, Block if_false) : if_true_(std::move(if_true)), if_false_(std::move(if_false)) {}
  void run(Stack& stack) const override {
    const c10::IValue condition = torch::jit::pop(stack);
    (is_true(condition) ? if_true_ : if_false_).run(stack);
  }

 private:
  Block if_true_;
  Block if_false_;
};

/// Arguments of a loop: what is carried, what is taken apart along its first dimension, what all passes get. They stay on the stack
/// until the end, those that are carried with the values of the last pass.
class Loop : public Operation {
 public:
  Loop(Block block, std::size_t carried, std::size_t taken_apart)
      : block_(std::move(block)), carried_(carried), taken_apart_(taken_apart) {}

 protected:
  /// Where the arguments stand.
  std::size_t first_argument(const Stack& stack) const { return stack.size() - block_.inputs; }

  std::int64_t passes(const Stack& stack, std::size_t first) const {
    std::int64_t count = -1;
    for (std::size_t i = 0; i < taken_apart_; ++i) {
      const at::Tensor& tensor = stack[first + carried_ + i].toTensor();
      if (tensor.dim() == 0) fail(ft_model_error, "a tensor without dimensions cannot be taken apart");
      if (count >= 0 && tensor.size(0) != count) fail(ft_model_error, "its tensors differ in their first dimension");
      count = tensor.size(0);
    }
    if (count <= 0) fail(ft_model_error, "it has nothing to go through");
    return count;
  }

  /// Puts what a pass is given on the stack.
  void push_arguments(Stack& stack, std::size_t first, std::int64_t number) const {
    for (std::size_t i = 0; i < block_.inputs; ++i) {
      const bool is_taken_apart = i >= carried_ && i < carried_ + taken_apart_;
      if (is_taken_apart) stack.emplace_back(stack[first + i].toTensor().select(0, number));
      else stack.push_back(stack[first + i]);
    }
  }

  /// One pass; results that are not carried stand on the stack.
  void pass(Stack& stack, std::size_t first, std::int64_t number) const {
    push_arguments(stack, first, number);
    block_.run(stack);
    const auto results = stack.end() - static_cast<std::ptrdiff_t>(block_.outputs.size());
    const auto further = results + static_cast<std::ptrdiff_t>(carried_);
    std::move(results, further, stack.begin() + static_cast<std::ptrdiff_t>(first));
    stack.erase(results, further);
  }

  Block block_;
  std::size_t carried_;
  std::size_t taken_apart_;
};

/// `scan`, and `map`, which carries nothing: the last values that were carried, then the other results of all passes, stacked.
class Scan final : public Loop {
 public:
  using Loop::Loop;
  void run(Stack& stack) const override {
    const std::size_t first = first_argument(stack);
    const std::int64_t count = passes(stack, first);
    // What they are stacked from is a list for each.
    std::vector<std::vector<at::Tensor>> collected(block_.outputs.size() - carried_);
    for (auto& tensors : collected) tensors.reserve(static_cast<std::size_t>(count));
    for (std::int64_t number = 0; number < count; ++number) {
      pass(stack, first, number);
      const auto results = torch::jit::last(stack, collected.size());
      for (std::size_t i = 0; i < collected.size(); ++i) collected[i].push_back(results[i].toTensor());
      torch::jit::drop(stack, collected.size());
    }
    stack.resize(first + carried_);
    for (const std::vector<at::Tensor>& tensors : collected) stack.emplace_back(at::stack(tensors));
  }
};

class WhileLoop final : public Loop {
 public:
  WhileLoop(Block condition, Block body, std::size_t carried)
      : Loop(std::move(body), carried, 0), condition_(std::move(condition)) {}
  void run(Stack& stack) const override {
    const std::size_t first = first_argument(stack);
    while (goes_on(stack, first)) pass(stack, first, 0);
    stack.resize(first + carried_);
  }

 private:
  bool goes_on(Stack& stack, std::size_t first) const {
    push_arguments(stack, first, 0);
    condition_.run(stack);
    return is_true(torch::jit::pop(stack));
  }

  Block condition_;
};

std::string name_of(const std::string& target) { return target.substr(std::min(region_prefix.size(), target.size())); }

const std::vector<Argument>& list_at(const std::vector<Argument>& arguments, std::size_t place) {
  if (place >= arguments.size() || arguments[place].kind != Argument::Kind::list)
    fail(ft_model_error, "its argument " + std::to_string(place + 1) + " is no list");
  return arguments[place].items;
}

void append(std::vector<Argument>& to, const std::vector<Argument>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

/// Arguments that are graphs, up to the first that is none.
std::size_t take_graphs(const std::vector<Argument>& arguments, std::size_t place, RegionCall& call) {
  for (; place < arguments.size() && arguments[place].graph; ++place) call.graphs.push_back(arguments[place].graph);
  return place;
}

void check_graphs(const RegionCall& call, std::size_t wanted) {
  if (call.graphs.size() != wanted)
    fail(ft_model_error, "it has " + std::to_string(call.graphs.size()) + " graphs, not " + std::to_string(wanted));
  for (const auto& graph : call.graphs) {
    if (graph->inputs.size() != call.given.size())
      fail(ft_model_error, "its graph takes " + std::to_string(graph->inputs.size()) + " values; " +
                               std::to_string(call.given.size()) + " are given");
  }
}

void check_results(const RegionCall& call, std::size_t graph, std::size_t least, bool is_exact) {
  const std::size_t count = call.graphs[graph]->outputs.size();
  if (count < least || (is_exact && count != least))
    fail(ft_model_error, "its graph returns " + std::to_string(count) + " values, not " + std::to_string(least));
}

}  // namespace

bool is_region(const std::string& target) { return target.starts_with(region_prefix); }

RegionCall read_region(const Node& node) {
  const std::string name = name_of(node.target);
  std::vector<Argument> arguments;
  for (const NamedArgument& input : node.inputs) arguments.push_back(input.argument);
  RegionCall call;
  std::size_t place = 0;
  if (name == "wrap_with_set_grad_enabled" || name == "wrap_with_autocast" || name == "wrap" ||
      name == "tag_activation_checkpoint" || name == "strict_mode") {
    for (; place < arguments.size() && !arguments[place].graph; ++place) call.constants.push_back(arguments[place]);
    place = take_graphs(arguments, place, call);
    for (; place < arguments.size(); ++place) {
      const bool is_option = !node.inputs[place].name.empty();
      if (is_option) continue;
      if (arguments[place].kind == Argument::Kind::list) append(call.given, arguments[place].items);
      else call.given.push_back(arguments[place]);
    }
    check_graphs(call, 1);
  } else if (name == "cond") {
    if (!arguments.empty()) call.condition = arguments[0];
    place = take_graphs(arguments, 1, call);
    if (place < arguments.size()) append(call.given, list_at(arguments, place));
    check_graphs(call, 2);
    check_results(call, 1, call.graphs[0]->outputs.size(), true);
  } else if (name == "map_impl" || name == "scan" || name == "while_loop") {
    place = take_graphs(arguments, 0, call);
    if (name != "map_impl") append(call.given, list_at(arguments, place++));
    call.carried = call.given.size();
    if (name != "while_loop") append(call.given, list_at(arguments, place++));
    call.taken_apart = call.given.size() - call.carried;
    append(call.given, list_at(arguments, place));
    check_graphs(call, name == "while_loop" ? 2 : 1);
    check_results(call, call.graphs.size() - 1, call.carried, name == "while_loop");
    if (name == "while_loop") check_results(call, 0, 1, true);
  } else {
    fail(ft_model_error, "this operator is not known to FTorch");
  }
  return call;
}

std::unique_ptr<Operation> make_region(const std::string& target, const RegionCall& call, std::vector<Block> blocks,
                                       const Move& move) {
  using Kind = Argument::Kind;
  const std::string name = name_of(target);
  const auto& constants = call.constants;
  const auto wants = [&](std::size_t place, Kind kind) {
    if (place >= constants.size() || constants[place].kind != kind)
      fail(ft_model_error, "its argument " + std::to_string(place + 1) + " is of another kind than is known");
    return constants[place].integer;
  };
  if (name == "wrap_with_set_grad_enabled")
    return std::make_unique<WithGradients>(wants(0, Kind::truth) != 0, std::move(blocks[0]));
  if (name == "wrap_with_autocast") {
    wants(0, Kind::text);
    const bool has_dtype = constants.size() > 1 && constants[1].kind == Kind::scalar_type;
    const bool is_cached = constants.size() < 4 || constants[3].kind == Kind::none || wants(3, Kind::truth) != 0;
    return std::make_unique<WithAutocast>(
        move(at::Device(constants[0].text)).type(),
        has_dtype ? std::optional(static_cast<at::ScalarType>(constants[1].integer)) : std::nullopt,
        wants(2, Kind::truth) != 0, is_cached, std::move(blocks[0]));
  }
  if (name == "cond") return std::make_unique<Branches>(std::move(blocks[0]), std::move(blocks[1]));
  if (name == "while_loop")
    return std::make_unique<WhileLoop>(std::move(blocks[0]), std::move(blocks[1]), call.carried);
  if (name == "map_impl" || name == "scan")
    return std::make_unique<Scan>(std::move(blocks[0]), call.carried, call.taken_apart);
  return std::make_unique<Plain>(std::move(blocks[0]));
}

}  // namespace ftorch::exported
