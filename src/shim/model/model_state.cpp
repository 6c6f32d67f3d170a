// SPDX-License-Identifier: MIT
// State of models, and its files.

#include "model/model.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "core/guard.h"
#include "core/text.h"
#include "files/pickle.h"
#include "files/safetensors.h"
#include "tensor/plain.h"
#include "tensor/tensor.h"

namespace ftorch {
namespace {

bool is_alias(const at::Tensor& a, const at::Tensor& b) {
  return a.is_same(b) || (a.numel() > 0 && a.device() == b.device() && a.const_data_ptr() == b.const_data_ptr() &&
                          a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && a.strides() == b.strides());
}

/// The name under which each tensor is saved, by each of its names.
std::map<std::string, std::string> saved_names(const NamedTensors& state) {
  std::multimap<const void*, const NamedTensors::value_type*> by_address;
  std::map<std::string, std::string> names;
  for (const auto& one : state) {
    Context context(one.first.c_str());
    check_plain(one.second);
    by_address.emplace(one.second.const_data_ptr(), &one);
  }
  for (const auto& [name, tensor] : state) {
    std::string& first = names[name] = name;
    const auto [begin, end] = by_address.equal_range(tensor.const_data_ptr());
    for (auto other = begin; other != end; ++other) {
      if (is_alias(tensor, other->second->second)) first = std::min(first, other->second->first);
    }
  }
  return names;
}

/// Equal to the bit, also where they are no numbers.
bool is_same_content(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const at::Tensor x = a.cpu().resolve_conj().resolve_neg().contiguous();
  const at::Tensor y = b.cpu().resolve_conj().resolve_neg().contiguous();
  return x.nbytes() == 0 || std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0;
}

/// The tensors of `found`, also under those names of the model's that mean one that is there.
StateDict with_all_names(const NamedTensors& state, const StateDict& found) {
  const std::map<std::string, std::string> names = saved_names(state);
  std::map<std::string, at::Tensor> saved;
  std::map<std::string, std::string> saved_as;
  for (const auto& [name, first] : names) {
    if (!found.has(name)) continue;
    const auto [other, is_new] = saved.try_emplace(first, found.tensor(name));
    if (is_new) saved_as[first] = name;
    else if (!is_same_content(other->second, found.tensor(name)))
      fail(ft_model_error, "'" + saved_as[first] + "' and '" + name +
                               "' are one tensor of the model, and what is loaded has different ones for them");
  }
  StateDict all;
  for (const auto& [name, tensor] : found.tensors()) all.put(name, tensor);
  for (const auto& [name, first] : names) {
    if (const auto tensor = saved.find(first); !all.has(name) && tensor != saved.end()) all.put(name, tensor->second);
  }
  return all;
}

/// The tensors of a file, told by what is in it.
StateDict read_state(const std::string& filename) {
  const auto file = std::make_shared<InputFile>(filename);
  StateDict state;
  const auto put_all = [&](auto tensors) {
    for (auto& [name, tensor] : tensors) state.put(name, std::move(tensor));
  };
  std::string start(std::min<std::size_t>(file->size(), 4), '\0');
  file->read(0, start.data(), start.size());
  if (start == "PK\x03\x04") put_all(read_pickled_tensors(file));
  else if (!start.empty() && start[0] == '\x80' && !is_safetensors(*file))
    fail(ft_model_error, "it was written by torch.save in its old format; save it with today's default");
  else put_all(read_safetensors(*file).tensors);
  return state;
}

}  // namespace

StateDict Model::state_dict() const {
  require_state();
  const NamedTensors tensors = named_state();
  const std::map<std::string, std::string> names = saved_names(tensors);
  StateDict state;
  for (const auto& [name, tensor] : tensors) {
    const std::string& first = names.at(name);
    if (first == name) state.put(name, tensor);
    else state.put_text(name, first);
  }
  return state;
}

void Model::check_state_dict(const StateDict& found, Names names) const {
  require_state();
  const NamedTensors tensors = named_state();
  StateDict expected;
  for (const auto& [name, tensor] : tensors) expected.put(name, tensor);
  check_same_form(expected, with_all_names(tensors, found), names);
}

void Model::load_state_dict(const StateDict& found) const {
  const NamedTensors tensors = named_state();
  const StateDict all = with_all_names(tensors, found);
  for (const auto& [name, tensor] : tensors) {
    if (all.has(name)) write_numbers(tensor, all.tensor(name));
  }
}

}  // namespace ftorch

using namespace ftorch;

namespace {

void save_state(const Model& model, const std::string& filename) {
  const std::string subject = file_subject(filename);
  Context context(subject.c_str());
  const StateDict state = model.state_dict();
  SafeTensors content{{state.tensors().begin(), state.tensors().end()}, {state.texts().begin(), state.texts().end()}};
  // What Python's libraries ask for.
  content.texts["format"] = "pt";
  write_safetensors(filename, content);
}

void load_state(const Model& model, const std::string& filename, Names names) {
  const std::string subject = file_subject(filename);
  Context context(subject.c_str());
  const StateDict found = read_state(filename);
  model.check_state_dict(found, names);
  model.load_state_dict(found);
}

}  // namespace

int ft_model_save_state(ft_handle model, const char* filename) {
  return guard(ft_io_error, [&] { save_state(*models.get(model, "the model"), required(filename, "filename")); });
}

int ft_model_load_state(ft_handle model, const char* filename, int strict) {
  return guard(ft_model_error, [&] {
    load_state(*models.get(model, "the model"), required(filename, "filename"), strict ? Names::equal : Names::common);
  });
}
