// SPDX-License-Identifier: MIT
// Exported programs as models.

#include "model/exported/exported_program.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <c10/util/ScopeExit.h>

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include "core/text.h"
#include "model/exported/forms.h"
#include "model/exported/inputs.h"
#include "model/exported/mutations.h"
#include "model/exported/package.h"
#include "model/exported/plan.h"
#include "model/exported/results.h"
#include "model/pass_stack.h"
#include "model/snapshot.h"

namespace ftorch {
namespace exported {
namespace {

/// The device that a program was exported for: any but the host if it names one.
at::Device device_of(const Program& program) {
  for (const Input& input : program.inputs) {
    const auto form = program.graph.tensors.find(input.value);
    if (form != program.graph.tensors.end() && !form->second.device.is_cpu()) return form->second.device;
  }
  return at::kCPU;
}

/// A plan with its arguments on a stack that is kept.
class BoundPlan final : public BoundModel {
 public:
  BoundPlan(const Plan& plan, const Inputs& inputs, const Results& results)
      : plan_(plan), inputs_(inputs), results_(results) {}

  void bind(at::TensorList inputs) override {
    given_ = inputs.vec();
    arguments_.clear();
    inputs_.push(given_, arguments_);
  }

  void run(PassTensors& results) override {
    const auto end = c10::make_scope_exit([this] { stack_.clear(); });
    if (inputs_.has_numbers()) inputs_.push(given_, stack_);
    else stack_.assign(arguments_.begin(), arguments_.end());
    plan_.run(stack_);
    results_.take(stack_, results);
  }

 private:
  const Plan& plan_;
  const Inputs& inputs_;
  const Results& results_;
  std::vector<at::Tensor> given_;
  Stack arguments_;
  Stack stack_;
};

class ExportedProgram final : public Model {
 public:
  ExportedProgram(std::shared_ptr<const Package> package, std::shared_ptr<const Inputs> inputs, Weights weights,
                  const Move& move)
      : package_(std::move(package)),
        inputs_(std::move(inputs)),
        weights_(std::move(weights)),
        move_(move),
        values_(bound_values()),
        plan_(program(), values_, move_),
        results_(program()) {
    for (const auto& [value, tensor] : values_) memory_.insert(storage_of(tensor.toTensor()));
    for (const std::size_t input : carried_buffers(program())) carried_.push_back(tensor_of(program().inputs[input]));
    find_mutations();
    for (const bool is_training : {false, true}) {
      find_written(is_training);
      is_pure_[is_training] = plan_.is_of_libtorch() && written_[is_training].empty() &&
                              !touches_inputs_[is_training] && mutations_.empty();
    }
    if (plan_.modes().exported() == Exported::training) plan_.modes().train(true);
  }

  PassTensors forward(at::TensorList inputs) override {
    // Without gradients autograd has nothing to do where only intermediate tensors are made: it need not be asked. Views are
    // followed, since some operators look at them and choose other kernels.
    std::optional<at::AutoDispatchBelowAutograd> below_autograd;
    if (!at::GradMode::is_enabled() && is_pure_[is_training()]) below_autograd.emplace();
    PassStack pass;
    Stack& stack = *pass;
    for (const at::Tensor& buffer : carried_) stack.emplace_back(buffer.clone());
    inputs_->push(inputs, stack);
    plan_.run(stack);
    for (const Mutation& mutation : mutations_) {
      const at::Tensor& target = mutation.input ? inputs[*mutation.input] : mutation.tensor;
      const at::Tensor& value = stack[mutation.output].toTensor();
      // Decomposition takes detach() out of a graph, which such a value nearly always had.
      target.copy_(program().is_decomposed && !mutation.input ? value.detach() : value);
    }
    PassTensors results;
    results_.take(stack, results);
    return results;
  }

  std::optional<std::size_t> result_count() const override { return results_.names().size(); }

  std::function<void()> saved_state() const override {
    const std::vector<at::Tensor>& written = written_[is_training()];
    if (written.empty()) return {};
    const auto snapshot = std::make_shared<Snapshot>();
    snapshot->add_tensors(c10::IValue(written));
    return [snapshot] { snapshot->put_back(); };
  }

  void train(bool is_training) override { plan_.modes().train(is_training); }
  bool is_training() const override { return plan_.modes().is_training(); }
  Effects effects() const override { return {touches_inputs_[is_training()], false}; }
  bool is_pure() const override { return is_pure_[is_training()]; }
  std::unique_ptr<BoundModel> bound() override { return std::make_unique<BoundPlan>(plan_, *inputs_, results_); }
  std::vector<std::string> input_names() const override { return inputs_->names(); }
  std::vector<std::string> output_names() const override { return results_.names(); }
  std::vector<Form> forms(Side side) const override {
    return forms_of(program(), side == Side::inputs ? inputs_->arguments() : results_.arguments(program()));
  }

  NamedTensors named_parameters() const override { return named(Input::Kind::parameter); }
  NamedTensors named_buffers() const override { return named(Input::Kind::buffer); }

  std::shared_ptr<Model> clone() const override {
    auto copy = std::make_shared<ExportedProgram>(package_, inputs_, weights_.clone(), move_);
    copy->train(is_training());
    return copy;
  }

  bool owns(const at::Tensor& tensor) const override {
    return tensor.has_storage() && memory_.count(tensor.storage().unsafeGetStorageImpl()) > 0;
  }

  void save(const std::function<void(const void*, std::size_t)>& write) const override {
    package_->write(weights_, write);
  }

 private:
  /// An output of the graph that goes into an input of the user or a tensor of the model.
  struct Mutation {
    std::size_t output;
    std::optional<std::size_t> input;
    at::Tensor tensor;
  };

  const Program& program() const { return package_->program(); }

  static const c10::StorageImpl* storage_of(const at::Tensor& tensor) {
    return tensor.storage().unsafeGetStorageImpl();
  }

  const at::Tensor& tensor_of(const Input& input) const {
    const bool is_weight = input.kind == Input::Kind::parameter ||
                           (input.kind == Input::Kind::buffer && input.is_persistent);
    return is_weight ? weights_.weight(input.name) : weights_.constant(input.name);
  }

  BoundValues bound_values() const {
    BoundValues values;
    for (const Input& input : program().inputs) {
      const bool is_own = input.kind != Input::Kind::user && input.kind != Input::Kind::fixed;
      if (is_own) values.emplace(input.value, tensor_of(input));
    }
    return values;
  }

  void find_written(bool is_training) {
    for (const std::string& value : written_inputs(program(), is_training)) {
      const auto own = values_.find(value);
      if (own == values_.end()) touches_inputs_[is_training] = true;
      else written_[is_training].push_back(own->second.toTensor());
    }
  }

  void find_mutations() {
    for (std::size_t i = 0; i < program().outputs.size(); ++i) {
      const Output& output = program().outputs[i];
      if (output.kind == Output::Kind::user) continue;
      Mutation mutation{i, inputs_->find(output.name), {}};
      if (output.kind != Output::Kind::input) {
        mutation.input.reset();
        mutation.tensor = tensor_named(output.name);
        // It plays no part in gradients, so that to write it spoils no graph: a tensor with a version of its own
        // serves, as in eager mode.
        if (is_statistic(program(), output)) mutation.tensor = mutation.tensor.variable_data();
      } else if (!mutation.input) {
        fail(ft_model_error, "it writes the input '" + output.name + "', which it does not have");
      }
      mutations_.push_back(std::move(mutation));
    }
  }

  const at::Tensor& tensor_named(const std::string& name) const {
    const auto& inputs = program().inputs;
    const auto found = std::find_if(inputs.begin(), inputs.end(), [&](const Input& input) {
      return (input.kind == Input::Kind::buffer || input.kind == Input::Kind::parameter) && input.name == name;
    });
    if (found == inputs.end()) fail(ft_model_error, "it writes '" + name + "', which it does not have");
    return tensor_of(*found);
  }

  NamedTensors named(Input::Kind kind) const {
    NamedTensors list;
    for (const Input& input : program().inputs) {
      if (input.kind == kind && (kind == Input::Kind::parameter || input.is_persistent))
        list.emplace_back(input.name, tensor_of(input));
    }
    return list;
  }

  std::shared_ptr<const Package> package_;
  std::shared_ptr<const Inputs> inputs_;
  Weights weights_;
  Move move_;
  BoundValues values_;
  Plan plan_;
  Results results_;
  std::vector<Mutation> mutations_;
  std::vector<at::Tensor> carried_;
  /// In evaluation and in training.
  std::array<std::vector<at::Tensor>, 2> written_;
  std::array<bool, 2> touches_inputs_{};
  /// A pass writes nothing, and all that it calls is LibTorch's.
  std::array<bool, 2> is_pure_{};
  std::unordered_set<const c10::StorageImpl*> memory_;
};

}  // namespace
}  // namespace exported

bool has_exported_program(const Archive& archive) {
  return archive.find("archive_format") && archive.holds("/models/");
}

std::shared_ptr<Model> load_exported_program(const Archive& archive, at::Device device) {
  using namespace exported;
  const auto package = std::make_shared<Package>(archive);
  const Move move{device_of(package->program()), device};
  Weights weights(archive, package->model(), move);
  package->keep_records(archive, weights);
  const auto inputs = std::make_shared<const Inputs>(package->program());
  return std::make_shared<ExportedProgram>(package, inputs, std::move(weights), move);
}

}  // namespace ftorch
