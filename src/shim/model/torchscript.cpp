// SPDX-License-Identifier: MIT
// Models in TorchScript archives.

#include "model/torchscript.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/ScopeExit.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/export.h>
#include <torch/csrc/jit/serialization/import.h>

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <sstream>
#include <unordered_map>
#include <unordered_set>

#include "core/text.h"
#include "model/effects.h"
#include "model/pass_stack.h"
#include "model/signature.h"
#include "model/state.h"

namespace ftorch {
namespace {

std::string names_of(const std::vector<torch::jit::Method>& methods) {
  std::string names;
  for (const torch::jit::Method& method : methods) names += (names.empty() ? "" : ", ") + method.name();
  return names.empty() ? "none" : names;
}

torch::jit::GraphFunction& function_of(const torch::jit::Module& module, const std::string& name) {
  const auto method = module.find_method(name);
  if (!method) fail(ft_model_error, "the model has no method " + name + "; it has " + names_of(module.get_methods()));
  return torch::jit::toGraphFunction(method->function());
}

/// A program with its arguments on a stack that is kept.
class BoundProgram final : public BoundModel {
 public:
  BoundProgram(torch::jit::GraphFunction& program, const Signature& signature, c10::IValue module)
      : program_(program), signature_(signature), module_(std::move(module)) {}

  void bind(at::TensorList inputs) override {
    inputs_ = inputs.vec();
    push(arguments_);
  }

  void run(PassTensors& results) override {
    const auto end = c10::make_scope_exit([this] { stack_.clear(); });
    if (signature_.takes_tensors_alone()) stack_.assign(arguments_.begin(), arguments_.end());
    else push(stack_);
    program_.run(stack_);
    flatten_result(std::move(stack_.back()), results);
  }

 private:
  void push(torch::jit::Stack& stack) const {
    stack.clear();
    stack.emplace_back(module_);
    signature_.push(inputs_, stack);
  }

  torch::jit::GraphFunction& program_;
  const Signature& signature_;
  c10::IValue module_;
  std::vector<at::Tensor> inputs_;
  torch::jit::Stack arguments_;
  torch::jit::Stack stack_;
};

class TorchScript : public Model {
 public:
  explicit TorchScript(torch::jit::Module module, const std::string& method = "forward")
      : module_(std::move(module)),
        forward_(function_of(module_, method)),
        without_graph_(forward_.qualname(), forward_.graph()->copy(), nullptr),
        signature_(forward_.getSchema(), *forward_.optimized_graph()),
        mode_(module_.type()->findAttributeSlot("training")) {
    const std::shared_ptr<const torch::jit::Graph> program = forward_.optimized_graph();
    find_effects(*program);
    add_memory(module_._ivalue());
    add_constants(*program->block());
  }

  PassTensors forward(at::TensorList inputs) override {
    PassStack pass;
    torch::jit::Stack& stack = *pass;
    stack.emplace_back(module_._ivalue());
    signature_.push(inputs, stack);
    // With gradients the program runs as it is written, as eager PyTorch: an executor that optimises runs another one from the
    // second pass on, whose gradients differ in their last bits, so that a resumed run would not be the same. Where nothing
    // changes, the guard is left out: LibTorch takes 3000 instructions to set it.
    const bool has_graph = at::GradMode::is_enabled();
    // Where only intermediate tensors are made, and no gradient is wanted, autograd need not be asked, and views need not be
    // followed, as in a session.
    std::optional<at::AutoDispatchBelowADInplaceOrView> below_autograd;
    if (!has_graph && !may_ask_autograd_[is_training()] && is_pure()) below_autograd.emplace();
    std::optional<torch::jit::GraphOptimizerEnabledGuard> as_written;
    if (has_graph) as_written.emplace(false);
    (has_graph ? forward_ : without_graph_).run(stack);
    PassTensors results;
    flatten_result(std::move(stack.back()), results);
    return results;
  }

  std::optional<std::size_t> result_count() const override { return signature_.result_count(); }

  std::function<void()> saved_state() const override { return states_[is_training()].saved(); }

  void train(bool is_training) override {
    if (is_training && !mode_) fail(ft_model_error, "the model was frozen in evaluation mode and cannot be trained");
    module_.train(is_training);
  }

  bool is_training() const override { return mode_ && module_._ivalue()->getSlot(*mode_).toBool(); }

  Effects effects() const override {
    Effects effects = effects_[is_training()];
    effects.has_state = effects.has_state || methods_have_state_.load(std::memory_order_relaxed);
    return effects;
  }

  bool is_pure() const override {
    const Effects effects = this->effects();
    return !effects.touches_inputs && !effects.has_state && states_[is_training()].is_empty();
  }

  std::unique_ptr<BoundModel> bound() override {
    return std::make_unique<BoundProgram>(without_graph_, signature_, module_._ivalue());
  }

  /// One is watched, the next one optimises what it showed.
  int warmup_passes() const override { return 2; }

  /// Another program over the same module.
  Model& method(const std::string& name) override {
    if (name == "forward") return *this;
    const std::lock_guard lock(methods_lock_);
    const auto found = methods_.find(name);
    if (found != methods_.end()) return *found->second;
    auto made = std::make_unique<TorchScript>(module_, name);
    if (made->effects_[0].has_state || made->effects_[1].has_state) methods_have_state_ = true;
    return *methods_.emplace(name, std::move(made)).first->second;
  }

  std::vector<std::string> input_names() const override { return signature_.input_names(); }

  std::vector<std::string> output_names() const override { return signature_.output_names(); }

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

  at::Tensor attribute(const std::string& name) const override {
    for (const auto& attribute : module_.named_attributes()) {
      if (attribute.name == name && attribute.value.isTensor()) return attribute.value.toTensor();
    }
    return {};
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
    torch::jit::ExtraFilesMap extra_files;
    if (!metadata().empty()) extra_files[metadata_name] = metadata();
    const auto writer = [&](const void* data, std::size_t size) {
      write(data, size);
      return size;
    };
    torch::jit::ExportModule(module_, writer, extra_files);
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
      may_ask_autograd_[is_training] = found[is_training].may_ask_autograd;
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
  /// Where the module keeps its mode; each pass asks for it several times.
  std::optional<std::size_t> mode_;
  /// In evaluation and in training.
  std::array<Effects, 2> effects_{};
  std::array<bool, 2> may_ask_autograd_{};
  std::array<State, 2> states_;
  std::unordered_set<const c10::StorageImpl*> memory_;
  std::mutex methods_lock_;
  std::unordered_map<std::string, std::unique_ptr<TorchScript>> methods_;
  std::atomic<bool> methods_have_state_ = false;
};

}  // namespace

std::shared_ptr<Model> load_torchscript(std::shared_ptr<InputFile> file, at::Device device) {
  return std::make_shared<TorchScript>(torch::jit::load(std::move(file), device));
}

}  // namespace ftorch
