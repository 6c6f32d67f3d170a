// SPDX-License-Identifier: MIT
// The tensors of a container under the names of the network.

#include "model/aoti/state.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "tensor/convert.h"
#include "tensor/region.h"

namespace ftorch::aoti {
namespace {

using exported::Input;
using exported::Output;

/// The same memory, which lives as long as this.
at::Tensor keeping(const at::Tensor& tensor, const std::shared_ptr<Container>& container) {
  if (tensor.numel() == 0) return tensor;
  return at::from_blob(tensor.data_ptr(), tensor.sizes(), tensor.strides(), [container](void*) {}, tensor.options());
}

/// A tensor that is no part of the code.
at::Tensor beside(const std::string& bytes, const exported::TensorForm& form) {
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;
  for (const exported::Size& size : form.sizes) sizes.push_back(size.value);
  for (const exported::Size& stride : form.strides) strides.push_back(stride.value);
  at::Tensor tensor = at::empty_strided(sizes, strides, at::TensorOptions(form.dtype));
  if (tensor.nbytes() != bytes.size()) fail(ft_model_error, "its numbers are not as many as its sizes say");
  if (!bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

std::string form_of(const at::Tensor& tensor) {
  return form_text(tensor) + " with strides " + shape_text(tensor.strides());
}

bool has_same_form(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && a.device() == b.device() &&
         (a.numel() == 0 || a.strides() == b.strides());
}

}  // namespace

State::State(const Code& code, const std::shared_ptr<Container>& container) {
  const at::NoGradGuard no_grad;
  constants_ = container->constants();
  if (code.specification().is_frozen) return;
  const exported::Program& program = code.program();
  for (const Input& input : program.inputs) {
    const bool is_named = input.kind == Input::Kind::parameter ||
                          (input.kind == Input::Kind::buffer && input.is_persistent);
    if (is_named) parts_.push_back(part(code, input, container));
  }
  for (const Output& output : program.outputs) {
    if (output.kind != Output::Kind::buffer && output.kind != Output::Kind::parameter) continue;
    const auto found = std::find_if(parts_.begin(), parts_.end(),
                                    [&](const Part& one) { return one.name == output.name; });
    if (found != parts_.end()) written_.push_back(static_cast<std::size_t>(found - parts_.begin()));
  }
}

State::Part State::part(const Code& code, const Input& input, const std::shared_ptr<Container>& container) const {
  const Context context(input.name.c_str());
  const auto first_name = [&](const std::string& name) {
    const auto found = code.specification().aliases.find(name);
    return found == code.specification().aliases.end() ? name : found->second;
  };
  for (const auto& [name, tensor] : constants_) {
    if (first_name(name) != first_name(input.name)) continue;
    // Names of one tensor are one tensor here as well.
    const auto known = std::find_if(parts_.begin(), parts_.end(),
                                    [&](const Part& one) { return one.constant == name; });
    return {input.kind, input.name, known == parts_.end() ? keeping(tensor, container) : known->tensor, name};
  }
  const std::string* const bytes = code.unused(first_name(input.name));
  const auto form = code.program().graph.tensors.find(input.value);
  if (!bytes || form == code.program().graph.tensors.end()) fail(ft_model_error, "the code has no such tensor");
  return {input.kind, input.name, beside(*bytes, form->second), {}};
}

NamedTensors State::named(Input::Kind kind) const {
  NamedTensors list;
  for (const Part& part : parts_) {
    if (part.kind == kind) list.emplace_back(part.name, part.tensor);
  }
  return list;
}

std::vector<at::Tensor> State::written() const {
  std::vector<at::Tensor> list;
  for (const std::size_t place : written_) list.push_back(parts_[place].tensor);
  return list;
}

bool State::owns(const at::Tensor& tensor) const {
  if (!tensor.has_storage()) return false;
  const auto* const begin = static_cast<const char*>(tensor.storage().data());
  const auto is_of = [&](const at::Tensor& own) {
    const auto* const first = static_cast<const char*>(own.storage().data());
    return begin && first && begin >= first && begin < first + own.storage().nbytes();
  };
  return std::any_of(constants_.begin(), constants_.end(), [&](const auto& one) { return is_of(one.second); }) ||
         std::any_of(parts_.begin(), parts_.end(), [&](const Part& one) { return is_of(one.tensor); });
}

void State::copy(const State& other) {
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parts_.size(); ++i) parts_[i].tensor.copy_(other.parts_[i].tensor);
}

void State::share(const NamedTensors& tensors, Container& container) {
  const std::unordered_map<std::string, at::Tensor> found(tensors.begin(), tensors.end());
  std::string wrong;
  std::unordered_map<std::string, const Part*> firsts;
  const auto add = [&](const Part& part, const std::string& what) {
    wrong.append(wrong.empty() ? "" : "; ").append(part.name).append(what);
  };
  for (const Part& part : parts_) {
    const auto other = found.find(part.name);
    if (part.constant.empty()) continue;
    if (other == found.end()) add(part, " is missing");
    else if (!has_same_form(other->second, part.tensor))
      add(part, " is " + form_of(other->second) + ", expected " + form_of(part.tensor));
    else if (other->second.is_conj() || other->second.is_neg())
      add(part, " is a view that is conjugate or negative, and the code reads its memory as it is");
    else if (const auto [first, is_first] = firsts.emplace(part.constant, &part);
             !is_first && !is_one_memory(other->second, found.at(first->second->name)))
      add(part, " and " + first->second->name + " are one tensor of the code, and two of the source");
  }
  if (!wrong.empty()) fail(ft_shape_mismatch, "the source cannot be shared: " + wrong);
  std::unordered_map<std::string, at::Tensor> used;
  for (Part& part : parts_) {
    if (!part.constant.empty()) used.emplace(part.constant, found.at(part.name).detach());
  }
  container.use(used);
  for (Part& part : parts_) {
    const auto other = found.find(part.name);
    // What the code does not use may be missing.
    if (other != found.end() && has_same_form(other->second, part.tensor)) part.tensor = other->second;
  }
}

}  // namespace ftorch::aoti
