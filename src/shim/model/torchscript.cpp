// SPDX-License-Identifier: MIT
// Models in TorchScript archives, run by their method `forward`.

#include "model/torchscript.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/export.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <unordered_set>

#include "core/text.h"
#include "model/effects.h"
#include "model/state.h"
#include "tensor/plain.h"

namespace ftorch {
namespace {

/// What `forward` takes after the module itself.
class Signature {
 public:
  explicit Signature(const c10::FunctionSchema& schema)
      : arguments_(schema.arguments().begin() + 1, schema.arguments().end()) {
    for (const c10::Argument& argument : arguments_) {
      if (!argument.default_value()) ++least_;
    }
  }

  /// Fails unless `count` tensors can be given.
  void check(std::size_t count) const {
    if (count < least_ || count > arguments_.size()) [[unlikely]] {
      const std::string most = std::to_string(arguments_.size());
      const std::string range = least_ == arguments_.size() ? most : std::to_string(least_) + " to " + most;
      fail(ft_invalid_argument, "input_tensors: the model takes " + range + (range == "1" ? " input " : " inputs ") +
                                    names_text() + "; " + std::to_string(count) +
                                    (count == 1 ? " was given" : " were given"));
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (!c10::TensorType::get()->isSubtypeOf(*arguments_[i].type())) [[unlikely]]
        fail(ft_invalid_argument, "input_tensors(" + std::to_string(i + 1) + "): the model's argument, " +
                                      arguments_[i].name() + ", is of type " + arguments_[i].type()->annotation_str() +
                                      ", not a tensor");
    }
  }

  /// Adds the defaults of all arguments after the first `count`.
  void add_defaults(std::size_t count, torch::jit::Stack& stack) const {
    for (std::size_t i = count; i < arguments_.size(); ++i) stack.push_back(*arguments_[i].default_value());
  }

  std::size_t size() const { return arguments_.size(); }

  std::vector<std::string> names() const {
    std::vector<std::string> list;
    for (const c10::Argument& argument : arguments_) list.push_back(argument.name());
    return list;
  }

 private:
  std::string names_text() const {
    std::string list = "(";
    for (const std::string& name : names()) {
      if (list.size() > 1) list += ", ";
      list += name;
    }
    return list + ")";
  }

  std::vector<c10::Argument> arguments_;
  std::size_t least_ = 0;
};

/// The tensors of a result, depth first; all are plain.
void flatten(const c10::IValue& value, std::vector<at::Tensor>& tensors) {
  if (value.isTensor()) {
    Context context("result", static_cast<std::int64_t>(tensors.size()));
    check_plain(value.toTensor());
    tensors.push_back(value.toTensor());
  } else if (value.isTuple()) {
    for (const c10::IValue& element : value.toTupleRef().elements()) flatten(element, tensors);
  } else if (value.isList()) {
    for (const c10::IValue& element : value.toListRef()) flatten(element, tensors);
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) flatten(entry.value(), tensors);
  } else {
    fail(ft_invalid_argument, "the model returns a value of type " + value.type()->annotation_str() +
                                  "; only tensors, and tuples, lists and dicts of tensors, can be taken");
  }
}

/// How many tensors a value of a type holds, if the type says so.
std::optional<std::size_t> count_of(const c10::Type& type) {
  if (type.isSubtypeOf(*c10::TensorType::get())) return 1;
  const auto tuple = type.cast<c10::TupleType>();
  if (!tuple) return {};
  std::size_t count = 0;
  for (const c10::TypePtr& element : tuple->elements()) {
    const auto more = count_of(*element);
    if (!more) return {};
    count += *more;
  }
  return count;
}

/// How many tensors are in a result, if the schema says so.
std::optional<std::size_t> count_of(const c10::FunctionSchema& schema) {
  if (schema.returns().size() != 1) return {};
  return count_of(*schema.returns()[0].type());
}

/// Fields of a named tuple of tensors; else output_1, output_2, ...
std::vector<std::string> names_of_results(const c10::FunctionSchema& schema) {
  std::vector<std::string> names(count_of(schema).value_or(1));
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = "output_" + std::to_string(i + 1);
  const auto tuple = schema.returns().empty() ? nullptr : schema.returns()[0].type()->cast<c10::TupleType>();
  if (!tuple || !tuple->schema() || tuple->elements().size() != names.size()) return names;
  const auto& fields = tuple->schema()->arguments();
  std::transform(fields.begin(), fields.end(), names.begin(), [](const c10::Argument& field) { return field.name(); });
  return names;
}

torch::jit::GraphFunction& forward_of(const torch::jit::Module& module) {
  const auto method = module.find_method("forward");
  if (!method) fail(ft_model_error, "the model has no method forward");
  return torch::jit::toGraphFunction(method->function());
}

class TorchScript : public Model {
 public:
  explicit TorchScript(torch::jit::Module module)
      : module_(std::move(module)),
        forward_(forward_of(module_)),
        without_graph_(forward_.qualname(), forward_.graph()->copy(), nullptr),
        signature_(forward_.getSchema()),
        result_count_(count_of(forward_.getSchema())),
        mode_(module_.type()->findAttributeSlot("training")) {
    const std::shared_ptr<const torch::jit::Graph> program = forward_.optimized_graph();
    find_effects(*program);
    add_memory(module_._ivalue());
    add_constants(*program->block());
  }

  std::vector<at::Tensor> forward(std::vector<at::Tensor> inputs) override {
    signature_.check(inputs.size());
    torch::jit::Stack stack;
    stack.reserve(1 + signature_.size());
    stack.emplace_back(module_._ivalue());
    for (at::Tensor& input : inputs) stack.emplace_back(std::move(input));
    signature_.add_defaults(inputs.size(), stack);
    // With gradients the program runs as it is written, as eager PyTorch: an executor that optimises runs another one from the
    // second pass on, whose gradients differ in their last bits, so that a resumed run would not be the same. Where nothing
    // changes, the guard is left out: LibTorch takes 3000 instructions to set it.
    const bool has_graph = at::GradMode::is_enabled();
    std::optional<torch::jit::GraphOptimizerEnabledGuard> as_written;
    if (has_graph) as_written.emplace(false);
    (has_graph ? forward_ : without_graph_).run(stack);
    std::vector<at::Tensor> results;
    flatten(stack.back(), results);
    return results;
  }

  std::optional<std::size_t> result_count() const override { return result_count_; }

  std::function<void()> saved_state() const override { return states_[is_training()].saved(); }

  void train(bool is_training) override {
    if (is_training && !mode_) fail(ft_model_error, "the model was frozen in evaluation mode and cannot be trained");
    module_.train(is_training);
  }

  bool is_training() const override { return mode_ && module_._ivalue()->getSlot(*mode_).toBool(); }

  Effects effects() const override { return effects_[is_training()]; }

  std::vector<std::string> input_names() const override { return signature_.names(); }

  std::vector<std::string> output_names() const override { return names_of_results(forward_.getSchema()); }

  NamedTensors named_parameters() const override {
    NamedTensors list;
    for (const auto& parameter : module_.named_parameters()) list.emplace_back(parameter.name, parameter.value);
    return list;
  }

  NamedTensors named_buffers() const override {
    NamedTensors list;
    for (const auto& buffer : module_.named_buffers()) {
      if (buffer.value.defined()) list.emplace_back(buffer.name, buffer.value);
    }
    return list;
  }

  /// By way of its file: the program gets constants and executors of its own, and tensors that share memory still do.
  std::shared_ptr<Model> clone() const override {
    std::stringstream file;
    save([&](const void* data, std::size_t size) {
      file.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
    });
    return std::make_shared<TorchScript>(torch::jit::load(file));
  }

  bool owns(const at::Tensor& tensor) const override {
    return tensor.has_storage() && memory_.count(tensor.storage().unsafeGetStorageImpl()) > 0;
  }

  void save(const std::function<void(const void*, std::size_t)>& write) const override {
    torch::jit::ExportModule(module_, [&](const void* data, std::size_t size) {
      write(data, size);
      return size;
    });
  }

 private:
  void find_effects(const torch::jit::Graph& program) {
    std::array<ProgramEffects, 2> found;
    for (const bool is_training : {false, true})
      found[is_training] = effects_of(program, module_._ivalue(), is_training);
    const bool is_unknown = found[0].changes.is_unknown || found[1].changes.is_unknown;
    for (const bool is_training : {false, true}) {
      found[is_training].changes.is_unknown = is_unknown;
      effects_[is_training] = found[is_training].effects;
      states_[is_training] = State(std::move(found[is_training].changes), module_._ivalue());
    }
  }

  void add_memory(const c10::IValue& value) {
    value.visit([this](const c10::IValue& part) {
      if (part.isTensor() && part.toTensor().has_storage())
        memory_.insert(part.toTensor().storage().unsafeGetStorageImpl());
      return false;
    });
  }

  void add_constants(const torch::jit::Block& block) {
    for (const torch::jit::Node* node : block.nodes()) {
      if (node->kind() == c10::prim::Constant) {
        if (const auto value = torch::jit::toIValue(node->output())) add_memory(*value);
      }
      for (const torch::jit::Block* inner : node->blocks()) add_constants(*inner);
    }
  }

  torch::jit::Module module_;
  torch::jit::GraphFunction& forward_;
  /// A second executor: one that has run with gradients returns results with a graph from then on.
  torch::jit::GraphFunction without_graph_;
  Signature signature_;
  std::optional<std::size_t> result_count_;
  /// Where the module keeps its mode; each pass asks for it several times.
  std::optional<std::size_t> mode_;
  /// In evaluation and in training.
  std::array<Effects, 2> effects_{};
  std::array<State, 2> states_;
  std::unordered_set<const c10::StorageImpl*> memory_;
};

}  // namespace

std::shared_ptr<Model> load_torchscript(std::shared_ptr<InputFile> file, at::Device device) {
  return std::make_shared<TorchScript>(torch::jit::load(std::move(file), device));
}

}  // namespace ftorch
