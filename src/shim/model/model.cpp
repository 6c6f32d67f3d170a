// SPDX-License-Identifier: MIT
// Entries for models.

#include "model/model.h"

#include <sstream>

#include "core/guard.h"
#include "core/text.h"
#include "tensor/convert.h"
#include "tensor/plain.h"
#include "tensor/print.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

Model& model_of(ft_handle handle) { return *models.get(handle, "the model"); }

}  // namespace

int ft_model_load(const char* filename, const ft_options* options, int is_training, ft_handle* out) {
  return guard(ft_model_error, [&] {
    required(options, "options");
    const at::Device device = device_of(options->device_type, options->device_index);
    std::shared_ptr<Model> model = load_model(required(filename, "filename"), device);
    model->train(is_training != 0);
    if (options->requires_grad >= 0) {
      for (const auto& [name, parameter] : model->parameters()) {
        if (at::isFloatingType(parameter.scalar_type()) || at::isComplexType(parameter.scalar_type()))
          parameter.set_requires_grad(options->requires_grad != 0);
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
    NamedTensors parameters = model_of(model).parameters();
    if (static_cast<int64_t>(parameters.size()) != outputs_size)
      fail(ft_invalid_argument, "output_tensors: the model has " + std::to_string(parameters.size()) +
                                    " parameters; there is room for " + std::to_string(outputs_size));
    required(outputs, "output_tensors");
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      Context context("output_tensors", static_cast<int64_t>(i));
      check_plain(parameters[i].second);
      if (outputs[i] && tensor(outputs[i], "the tensor").attached.defined())
        fail(ft_invalid_argument, "the tensor wraps an array and cannot name a parameter of the model");
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      Tensor named;
      named.value = std::move(parameters[i].second);
      named.parameter = true;
      // Not into the old object, which an optimizer may train.
      tensors.release(std::exchange(outputs[i], new_tensor(std::move(named))));
    }
  });
}

int ft_model_text(ft_handle model) {
  return guard(ft_model_error, [&] {
    std::ostringstream out;
    for (const auto& [name, value] : model_of(model).parameters()) {
      out << name << ' ' << shape_text(value.sizes()) << '\n';
      out << text_of(value) << '\n';
    }
    set_text(std::move(out).str());
  });
}
