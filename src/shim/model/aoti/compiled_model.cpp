// SPDX-License-Identifier: MIT
// Packages of AOTInductor as models.

#include "model/aoti/compiled_model.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <string>
#include <utility>

#include "core/text.h"
#include "model/aoti/code.h"
#include "model/aoti/container.h"
#include "model/aoti/state.h"
#include "model/argument_names.h"
#include "model/exported/forms.h"
#include "model/snapshot.h"
#include "tensor/plain.h"

namespace ftorch {
namespace aoti {
namespace {

using exported::Argument;
using exported::Input;
using exported::Output;

/// Runs the code: it is below autograd.
void run_code(Container& container, const exported::Program& program, at::TensorList inputs, PassTensors& results) {
  const at::AutoDispatchBelowAutograd below_autograd;
  auto found = container.run(inputs);
  std::size_t place = 0;
  for (const Output& output : program.outputs) {
    if (output.kind != Output::Kind::user) continue;
    at::Tensor& result = found[place++];
    if (output.argument.kind == Argument::Kind::none) continue;
    const Context context("result", static_cast<std::int64_t>(results.size()));
    check_plain(result);
    results.push_back(std::move(result));
  }
}

/// The products of code with fixed weights, and kernels of oneDNN, divide by the number of rows, which would end the process.
void check_elements(const Code& code, at::TensorList inputs) {
  if (!code.specification().needs_elements) return;
  if (std::none_of(inputs.begin(), inputs.end(), [](const at::Tensor& one) { return one.numel() == 0; })) return;
  fail(
      ft_shape_mismatch,
      std::string(argument_names.inputs) + ": one has no elements, with which " +
          (code.specification().is_frozen
               ? "code of --variant frozen cannot compute; leave out the call, or export the model with ftorch-export "
                 "--variant plain"
               : "recurrent layers cannot compute in compiled code; leave out the call, or load the exported program"));
}

/// Code with its inputs made ready.
class BoundCode final : public BoundModel {
 public:
  BoundCode(const Code& code, Container& container) : code_(code), container_(container) {}

  void bind(at::TensorList inputs) override {
    given_ = inputs.vec();
    arranged_ = code_.inputs().arranged(given_);
    is_given_ = !code_.inputs().has_numbers() && given_.size() == arranged_.size() &&
                std::equal(given_.begin(), given_.end(), arranged_.begin(),
                           [](const at::Tensor& a, const at::Tensor& b) { return a.is_same(b); });
  }

  void run(PassTensors& results) override {
    // Numbers are checked, and copies made, anew.
    if (!is_given_) arranged_ = code_.inputs().arranged(given_);
    check_elements(code_, arranged_);
    run_code(container_, code_.program(), arranged_, results);
  }

 private:
  const Code& code_;
  Container& container_;
  std::vector<at::Tensor> given_;
  PassTensors arranged_;
  /// The code reads the tensors themselves.
  bool is_given_ = false;
};

class CompiledModel final : public Model {
 public:
  explicit CompiledModel(std::shared_ptr<const Code> code)
      : code_(std::move(code)), container_(std::make_shared<Container>(code_->library())), state_(*code_, container_) {
    check_counts();
    const auto& outputs = program().outputs;
    touches_inputs_ = std::any_of(outputs.begin(), outputs.end(),
                                  [](const Output& output) { return output.kind == Output::Kind::input; });
  }

  PassTensors forward(at::TensorList inputs) override {
    if (at::GradMode::is_enabled())
      fail(ft_autograd_error,
           "a package of AOTInductor has no gradients: leave out requires_grad, or load the model from a file of "
           "torch.export or TorchScript");
    const PassTensors given = code_->inputs().arranged(inputs);
    check_elements(*code_, given);
    if (touches_inputs_) check_different(inputs);
    PassTensors results;
    run_code(*container_, program(), given, results);
    if (touches_inputs_) write_back(given, inputs);
    return results;
  }

  std::unique_ptr<BoundModel> bound() override { return std::make_unique<BoundCode>(*code_, *container_); }
  bool is_pure() const override { return !touches_inputs_ && !state_.is_written(); }

  std::optional<std::size_t> result_count() const override { return code_->results().names().size(); }

  std::function<void()> saved_state() const override {
    if (!state_.is_written()) return {};
    const auto snapshot = std::make_shared<Snapshot>();
    snapshot->add_tensors(c10::IValue(state_.written()));
    return [snapshot] { snapshot->put_back(); };
  }

  void train(bool is_training) override {
    if (is_training == this->is_training()) return;
    fail(ft_model_error,
         is_training ? "the model was compiled in evaluation mode and cannot be set to training; export it with --train"
                     : "the model was compiled in training mode and cannot be set to evaluation; load it for training, "
                       "or export it without --train");
  }

  bool is_training() const override { return code_->specification().is_training; }
  Effects effects() const override { return {touches_inputs_, false}; }
  std::vector<std::string> input_names() const override { return code_->inputs().names(); }
  std::vector<std::string> output_names() const override { return code_->results().names(); }
  std::vector<Form> forms(Side side) const override {
    return exported::forms_of(
        program(), side == Side::inputs ? code_->inputs().arguments() : code_->results().arguments(program()));
  }

  NamedTensors named_parameters() const override { return state_.named(Input::Kind::parameter); }
  NamedTensors named_buffers() const override { return state_.named(Input::Kind::buffer); }

  void require_state() const override {
    if (code_->specification().is_frozen)
      fail(ft_model_error,
           "the weights of the model are fixed parts of its code, as --variant frozen makes them; export it with "
           "ftorch-export --variant plain");
  }

  bool has_gradients() const override { return false; }

  void share_state(const Model& other) override {
    require_state();
    if (&other == this) fail(ft_invalid_argument, "source is the model itself");
    state_.share(other.named_state(), *container_);
  }

  std::shared_ptr<Model> clone() const override {
    auto copy = std::make_shared<CompiledModel>(code_);
    copy->state_.copy(state_);
    return copy;
  }

  bool owns(const at::Tensor& tensor) const override { return state_.owns(tensor); }

  void save(const std::function<void(const void*, std::size_t)>&) const override {
    fail(ft_model_error,
         "a package of AOTInductor cannot be written again; copy its file, and save the weights by "
         "torch_model_save_state");
  }

 private:
  const exported::Program& program() const { return code_->program(); }

  /// Fails unless the code has what its specification says.
  void check_counts() const {
    const auto& inputs = program().inputs;
    const auto& outputs = program().outputs;
    const auto taken = std::count_if(inputs.begin(), inputs.end(),
                                     [](const Input& input) { return input.kind == Input::Kind::user; });
    const auto made = std::count_if(outputs.begin(), outputs.end(),
                                    [](const Output& output) { return output.kind == Output::Kind::user; });
    const auto check = [](std::size_t has, std::ptrdiff_t said, const char* what) {
      if (static_cast<std::ptrdiff_t>(has) != said)
        fail(ft_model_error,
             "its code has " + std::to_string(has) + " " + what + ", its specification " + std::to_string(said));
    };
    check(container_->input_count(), taken, "inputs");
    check(container_->output_count(), made, "outputs");
  }

  /// The code was compiled for inputs of which none is another.
  static void check_different(at::TensorList inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Context context(argument_names.inputs, static_cast<std::int64_t>(i));
      for (std::size_t j = 0; j < i; ++j) {
        if (inputs[i].is_same(inputs[j]))
          fail(ft_invalid_argument, "the model writes an input in place, and it is the same tensor as " +
                                        element_text(argument_names.inputs, j));
      }
    }
  }

  /// The code has written into copies of inputs with other strides.
  static void write_back(at::TensorList given, at::TensorList inputs) {
    if (given.size() != inputs.size()) fail(ft_model_error, "a model that writes its inputs takes tensors alone");
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (!given[i].is_same(inputs[i])) inputs[i].copy_(given[i]);
    }
  }

  std::shared_ptr<const Code> code_;
  std::shared_ptr<Container> container_;
  State state_;
  bool touches_inputs_;
};

}  // namespace
}  // namespace aoti

bool has_compiled_model(const Archive& archive) { return archive.holds("/data/aotinductor/"); }

std::shared_ptr<Model> load_compiled_model(const Archive& archive, at::Device device) {
  if (!device.is_cpu())
    fail(ft_device_unavailable, "the model was compiled for the CPU and cannot be loaded onto " + device.str());
  auto code = std::make_shared<const aoti::Code>(archive);
  if (code->specification().step) fail(ft_model_error, "it is a training step, which torch_train_step_load reads");
  return std::make_shared<aoti::CompiledModel>(std::move(code));
}

}  // namespace ftorch
