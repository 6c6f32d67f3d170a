// SPDX-License-Identifier: MIT
// Compiled training steps and their entries.

#include "training/train_step.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <c10/util/ScopeExit.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/guard.h"
#include "core/text.h"
#include "files/archive.h"
#include "files/system_file.h"
#include "model/aoti/code.h"
#include "model/aoti/compiled_model.h"
#include "model/aoti/container.h"
#include "model/argument_names.h"
#include "tensor/autocast.h"
#include "tensor/convert.h"
#include "tensor/tensor.h"

namespace ftorch {
namespace {

constexpr const char* remedy = "; make one by ftorch-export --train-step";

std::shared_ptr<const aoti::Code> read_code(const std::string& filename) {
  const auto file = std::make_shared<InputFile>(filename);
  const Archive archive(file);
  if (!has_compiled_model(archive)) fail(ft_model_error, std::string("it is no compiled training step") + remedy);
  auto code = std::make_shared<const aoti::Code>(archive);
  if (!code->specification().step)
    fail(ft_model_error, std::string("it is a model, which torch_model_load reads, and no training step") + remedy);
  return code;
}

void check_count(const char* name, std::size_t got, std::size_t wanted) {
  if (got != wanted)
    fail(ft_invalid_argument, std::string(name) + ": the training step takes " + std::to_string(wanted) + "; " +
                                  std::to_string(got) + (got == 1 ? " was given" : " were given"));
}

/// A gradient as optimizers want it: with the strides of its parameter.
at::Tensor as_gradient(at::Tensor found, const at::Tensor& parameter) {
  if (found.strides() == parameter.strides() && found.storage().use_count() == 1) return found;
  return at::empty_like(parameter, parameter.options().requires_grad(false)).copy_(found);
}

}  // namespace

TrainStep::TrainStep(const std::string& filename, std::shared_ptr<Model> model, std::shared_ptr<Optimizer> optimizer)
    : code_(read_code(filename)),
      container_(std::make_shared<aoti::Container>(code_->library())),
      model_(std::move(model)),
      optimizer_(std::move(optimizer)) {
  const aoti::StepParts& step = *code_->specification().step;
  const std::size_t inputs = step.parameters.size() + step.buffers.size() + step.inputs + step.targets;
  const std::size_t outputs = 1 + step.gradients.size() + step.buffers.size();
  if (container_->input_count() != inputs || container_->output_count() != outputs)
    fail(ft_model_error, "its code has other inputs or outputs than its specification");
  bind(*model_);
}

void TrainStep::bind(const Model& model) {
  if (!model.has_gradients())
    fail(ft_model_error,
         "the model is a package of AOTInductor; give the exported program or TorchScript that it was made from, and "
         "share its weights with the package by torch_model_share_state");
  const aoti::StepParts& step = *code_->specification().step;
  const auto by_name = [](const NamedTensors& list) {
    return std::unordered_map<std::string, at::Tensor>(list.begin(), list.end());
  };
  std::string missing;
  const auto take = [&](const std::unordered_map<std::string, at::Tensor>& from, const std::string& name) {
    const auto found = from.find(name);
    if (found != from.end()) return found->second;
    missing.append(missing.empty() ? "" : ", ").append(name);
    return at::Tensor();
  };
  const auto parameters = by_name(model.named_parameters());
  const auto buffers = by_name(model.named_buffers());
  for (const std::string& name : step.parameters) state_.push_back(take(parameters, name));
  for (const std::string& name : step.buffers) buffers_.push_back(take(buffers, name));
  for (const std::string& name : step.gradients) with_gradients_.push_back(take(parameters, name));
  if (!missing.empty()) fail(ft_model_error, "the model lacks what the training step was compiled for: " + missing);
  state_.insert(state_.end(), buffers_.begin(), buffers_.end());
  code_->inputs().check_forms(state_);
  check_trained(model);
  const auto is_trained = [](const at::Tensor& one) { return one.requires_grad(); };
  if (std::none_of(with_gradients_.begin(), with_gradients_.end(), is_trained))
    fail(ft_autograd_error, "no parameter of the model that the training step has a gradient for requires one");
}

void TrainStep::check_trained(const Model& model) const {
  if (optimizer_->needs_closure())
    fail(ft_invalid_argument, std::string(optimizer_->row().name) +
                                  " evaluates the loss several times a step; a compiled training step does so once."
                                  " Take another optimizer, or train by optim%step(closure)");
  const aoti::StepParts& step = *code_->specification().step;
  const auto is_same_as = [](const at::Tensor& one) {
    return [&](const at::Tensor& other) { return one.is_same(other); };
  };
  for (const auto& [name, parameter] : model.named_parameters()) {
    const Context context(name.c_str());
    const auto times = std::count_if(with_gradients_.begin(), with_gradients_.end(), is_same_as(parameter));
    if (times > 1)
      fail(ft_model_error,
           "the model has it under several names, and the training step was compiled for several tensors");
    const bool is_unused = std::find(step.unused.begin(), step.unused.end(), name) != step.unused.end();
    if (times == 0 && parameter.requires_grad() && !is_unused)
      fail(ft_autograd_error,
           "the parameter requires a gradient, and the training step was compiled without one for it");
  }
  const auto& parameters = optimizer_->parameters();
  const bool is_stepped = std::any_of(parameters.begin(), parameters.end(), [&](const Parameter& one) {
    return std::any_of(with_gradients_.begin(), with_gradients_.end(), is_same_as(one.given.leaf));
  });
  if (!is_stepped)
    fail(ft_invalid_argument, "the optimizer has none of the parameters that the training step has a gradient for");
}

double TrainStep::run(const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& targets,
                      bool with_optimizer) {
  const aoti::StepParts& step = *code_->specification().step;
  check_count("inputs", inputs.size(), step.inputs);
  check_count("targets", targets.size(), step.targets);
  const NamedArguments named({"inputs", "targets"});
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> given = state_;
  given.insert(given.end(), inputs.begin(), inputs.end());
  given.insert(given.end(), targets.begin(), targets.end());
  auto results = [&] {
    const at::AutoDispatchBelowAutograd below_autograd;
    return container_->run(code_->inputs().arranged(given));
  }();
  const double loss = results[0].item<double>();
  std::vector<std::pair<at::Tensor, at::Tensor>> before;
  auto undo = c10::make_scope_exit([&] {
    for (auto& [parameter, gradient] : before) parameter.mutable_grad() = std::move(gradient);
  });
  for (std::size_t i = 0; i < with_gradients_.size(); ++i) {
    const at::Tensor& parameter = with_gradients_[i];
    if (!parameter.requires_grad()) continue;
    at::Tensor gradient = as_gradient(std::move(results[1 + i]), parameter);
    before.emplace_back(parameter, parameter.grad());
    parameter.mutable_grad() = std::move(gradient);
  }
  if (with_optimizer) optimizer_->step();
  undo.release();
  for (std::size_t i = 0; i < buffers_.size(); ++i) buffers_[i].copy_(results[1 + with_gradients_.size() + i]);
  return loss;
}

}  // namespace ftorch

using namespace ftorch;

namespace {

std::vector<at::Tensor> values_of(const char* name, const ft_handle* handles, int64_t size) {
  std::vector<at::Tensor> values;
  for_each_tensor(name, handles, size, [&](Tensor& one, std::size_t) {
    if (one.value.requires_grad() && at::GradMode::is_enabled())
      fail(ft_autograd_error, "the tensor requires a gradient, and a compiled training step gives none");
    values.push_back(one.value);
  });
  return values;
}

}  // namespace

int ft_train_step_load(const char* filename, ft_handle model, ft_handle optim, ft_handle* out) {
  return guard(ft_model_error, [&] {
    required(out, "out");
    std::shared_ptr<Model> trained = models.get(model, "the model");
    std::shared_ptr<Optimizer> optimizer = optims.get(optim, "the optimizer");
    const std::string name = required(filename, "filename");
    const std::string subject = file_subject(name);
    const Context context(subject.c_str());
    *out = train_steps.acquire(std::make_shared<TrainStep>(name, std::move(trained), std::move(optimizer)));
  });
}

int ft_train_step_copy(ft_handle step, ft_handle* out) {
  return guard<true>(ft_internal_error, [&] {
    required(out, "out");
    *out = train_steps.acquire(train_steps.get(step, "the training step"));
  });
}

int ft_train_step_run(ft_handle step, const ft_handle* inputs, int64_t inputs_size, const ft_handle* targets,
                      int64_t targets_size, int with_optimizer, double* loss) {
  return guard(ft_model_error, [&] {
    required(loss, "loss");
    const std::shared_ptr<TrainStep> found = train_steps.get(step, "the training step");
    *loss = found->run(values_of("inputs", inputs, inputs_size), values_of("targets", targets, targets_size),
                       with_optimizer != 0);
    forget_casts();
  });
}
