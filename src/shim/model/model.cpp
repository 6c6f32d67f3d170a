// SPDX-License-Identifier: MIT
// Entries for models.

#include "model/model.h"

#include <sstream>
#include <unordered_set>

#include "core/guard.h"
#include "core/text.h"
#include "model/named_memory.h"
#include "tensor/convert.h"
#include "tensor/print.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

Model& model_of(ft_handle handle) { return *models.get(handle, "the model"); }

/// Of a model that keeps nothing from pass to pass.
class PlainBoundModel final : public BoundModel {
 public:
  explicit PlainBoundModel(Model& model) : model_(model) {}
  void bind(at::TensorList inputs) override { inputs_ = inputs.vec(); }
  void run(PassTensors& results) override {
    for (at::Tensor& result : model_.forward(inputs_)) results.push_back(std::move(result));
  }

 private:
  Model& model_;
  std::vector<at::Tensor> inputs_;
};

}  // namespace

Model& Model::method(const std::string& name) {
  if (name != "forward")
    fail(ft_model_error, "the model has no method " + name + "; a file of torch.export has forward alone");
  return *this;
}

std::unique_ptr<BoundModel> Model::bound() { return std::make_unique<PlainBoundModel>(*this); }

void Model::share_state(const Model&) {
  fail(ft_model_error, "it is no package of AOTInductor, whose memory alone can be that of another model");
}

at::Tensor Model::attribute(const std::string&) const { return {}; }

NamedTensors Model::parameters() const {
  NamedTensors list;
  std::unordered_set<const c10::TensorImpl*> listed;
  for (auto& one : named_parameters()) {
    if (listed.insert(one.second.unsafeGetTensorImpl()).second) list.push_back(std::move(one));
  }
  return list;
}

NamedTensors Model::named_state() const {
  NamedTensors list = named_parameters();
  for (auto& one : named_buffers()) list.push_back(std::move(one));
  return list;
}

int ft_model_load(const char* filename, const ft_options* options, int is_training, ft_handle* out) {
  return guard(ft_model_error, [&] {
    required(options, "options");
    const at::Device device = device_of(options->device_type, options->device_index);
    std::shared_ptr<Model> model = load_model(required(filename, "filename"), device);
    model->train(is_training != 0);
    if (options->requires_grad >= 0) {
      for (const auto& [name, parameter] : model->parameters()) {
        if (is_differentiable(parameter)) parameter.set_requires_grad(options->requires_grad != 0);
      }
    }
    *required(out, "out") = models.acquire(std::move(model));
  });
}

int ft_model_save(ft_handle model, const char* filename) {
  return guard(ft_io_error, [&] { save_model(model_of(model), required(filename, "filename")); });
}

int ft_model_copy(ft_handle model, ft_handle* out) {
  return guard<true>(ft_internal_error,
                     [&] { *required(out, "out") = models.acquire(models.get(model, "the model")); });
}

int ft_model_train(ft_handle model, int is_training) {
  return guard(ft_model_error, [&] { model_of(model).train(is_training != 0); });
}

int ft_model_is_training(ft_handle model, int32_t* is_training) {
  return guard(ft_model_error, [&] { *required(is_training, "is_training") = model_of(model).is_training(); });
}

int ft_model_parameters(ft_handle model, ft_handle* outputs, int64_t outputs_size) {
  return guard(ft_model_error, [&] {
    model_of(model).require_state();
    const NamedTensors parameters = model_of(model).parameters();
    if (static_cast<int64_t>(parameters.size()) != outputs_size)
      fail(ft_invalid_argument, "output_tensors: the model has " + std::to_string(parameters.size()) +
                                    " parameters; there is room for " + std::to_string(outputs_size));
    required(outputs, "output_tensors");
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      Context context("output_tensors", static_cast<int64_t>(i));
      check_name(outputs[i], parameters[i].second);
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) name_memory(outputs[i], parameters[i].second);
  });
}

int ft_model_share_state(ft_handle model, ft_handle source) {
  return guard(ft_model_error, [&] {
    const Model& other = *models.get(source, "source");
    model_of(model).share_state(other);
  });
}

int ft_model_text(ft_handle model) {
  return guard(ft_model_error, [&] {
    std::ostringstream out;
    for (const auto& [name, value] : model_of(model).parameters()) {
      out << name << ' ' << shape_text(value.sizes()) << '\n';
      out << text_of(value, /*is_full=*/false) << '\n';
    }
    set_text(std::move(out).str());
  });
}
