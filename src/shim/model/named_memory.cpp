// SPDX-License-Identifier: MIT
// Entries for what a model has under a name: parameters, buffers, inputs, outputs.

#include "model/named_memory.h"

#include <fnmatch.h>

#include <algorithm>
#include <unordered_set>

#include "core/guard.h"
#include "core/similar.h"
#include "model/model.h"
#include "tensor/plain.h"

namespace ftorch {

void check_name(ft_handle target, const at::Tensor& memory) {
  check_plain(memory);
  if (target && tensor(target, "the tensor").attached.defined())
    fail(ft_invalid_argument, "the tensor wraps an array and cannot name a parameter of the model");
}

void name_memory(ft_handle& target, const at::Tensor& memory) {
  Tensor named;
  named.value = memory;
  named.parameter = true;
  // Not into the old object, which an optimizer may train.
  tensors.release(std::exchange(target, new_tensor(std::move(named))));
}

bool is_differentiable(const at::Tensor& tensor) {
  return at::isFloatingType(tensor.scalar_type()) || at::isComplexType(tensor.scalar_type());
}

}  // namespace ftorch

using namespace ftorch;

namespace {

std::vector<std::string> names_of(const NamedTensors& tensors) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors) names.push_back(name);
  return names;
}

struct Part {
  const char* title;
  std::vector<std::string> names;
};

/// The part of a model with a number of ftorch.h.
Part part_of(ft_handle handle, int part) {
  const Model& model = *models.get(handle, "the model");
  switch (part) {
    case 0: return {"parameters", names_of(model.parameters())};
    case 1: return {"inputs", model.input_names()};
    case 2: return {"outputs", model.output_names()};
    case 3: return {"buffers", names_of(model.named_buffers())};
    default: fail(ft_invalid_argument, "part " + std::to_string(part) + " is none of 0, 1, 2, 3");
  }
}

const at::Tensor* find(const NamedTensors& tensors, const std::string& name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const auto& one) { return one.first == name; });
  return found == tensors.end() ? nullptr : &found->second;
}

/// The parameters whose names match a pattern, and those that share their memory.
std::vector<at::Tensor> matching(const NamedTensors& parameters, const std::string& pattern) {
  std::unordered_set<const void*> addresses;
  for (const auto& [name, tensor] : parameters) {
    if (fnmatch(pattern.c_str(), name.c_str(), FNM_NOESCAPE) == 0) addresses.insert(tensor.const_data_ptr());
  }
  std::vector<at::Tensor> found;
  for (const auto& [name, tensor] : parameters) {
    if (addresses.count(tensor.const_data_ptr()) > 0) found.push_back(tensor);
  }
  return found;
}

}  // namespace

int ft_model_count(ft_handle model, int part, int64_t* count) {
  return guard(ft_model_error,
               [&] { *required(count, "count") = static_cast<int64_t>(part_of(model, part).names.size()); });
}

int ft_model_name(ft_handle model, int part, int64_t index) {
  return guard(ft_model_error, [&] {
    Part found = part_of(model, part);
    if (index < 1 || index > static_cast<int64_t>(found.names.size()))
      fail(ft_invalid_argument, "i is " + std::to_string(index) + "; the model has " +
                                    std::to_string(found.names.size()) + " " + found.title + ", counted from 1");
    set_text(std::move(found.names[static_cast<std::size_t>(index - 1)]));
  });
}

int ft_model_tensor(ft_handle handle, const char* text, int64_t size, int is_buffer, ft_handle* target) {
  return guard(ft_model_error, [&] {
    const Model& model = *models.get(handle, "the model");
    const std::string name(required(text, "name"), static_cast<std::size_t>(size));
    required(target, "tensor");
    model.require_state();
    const NamedTensors own = is_buffer ? model.named_buffers() : model.named_parameters();
    const at::Tensor* found = find(own, name);
    NamedTensors other;
    if (!found) other = is_buffer ? model.named_parameters() : model.named_buffers();
    at::Tensor attribute;
    if (is_buffer && !found && !find(other, name)) {
      attribute = model.attribute(name);
      if (attribute.defined()) found = &attribute;
    }
    if (!found) {
      const std::string kind = is_buffer ? "buffer" : "parameter";
      if (find(other, name))
        fail(ft_invalid_argument,
             "'" + name + "' is no " + kind + " of the model but a " +
                 (is_buffer ? "parameter: torch_model_get_parameter" : "buffer: torch_model_get_buffer"));
      fail(ft_invalid_argument,
           "the model has no " + kind + " '" + name + "'; it has " + most_similar(name, names_of(own)));
    }
    check_name(*target, *found);
    name_memory(*target, *found);
  });
}

int ft_model_freeze(ft_handle handle, const char* text, int64_t size, int is_frozen) {
  return guard(ft_model_error, [&] {
    const std::string pattern(required(text, "pattern"), static_cast<std::size_t>(size));
    const Model& model = *models.get(handle, "the model");
    model.require_state();
    const NamedTensors parameters = model.named_parameters();
    const std::vector<at::Tensor> found = matching(parameters, pattern);
    if (found.empty())
      fail(ft_invalid_argument, "pattern '" + pattern + "' is that of no parameter; the model has " +
                                    most_similar(pattern, names_of(parameters)));
    for (const at::Tensor& parameter : found) {
      if (!is_differentiable(parameter)) continue;
      parameter.set_requires_grad(!is_frozen);
      // An optimizer that has it already leaves out what has no gradient.
      if (is_frozen) parameter.mutable_grad().reset();
    }
  });
}

int ft_model_clone(ft_handle model, ft_handle* out) {
  return guard(ft_model_error, [&] {
    const Model& original = *models.get(model, "the model");
    std::shared_ptr<Model> copy = original.clone();
    copy->set_metadata(original.metadata());
    *required(out, "out") = models.acquire(std::move(copy));
  });
}
