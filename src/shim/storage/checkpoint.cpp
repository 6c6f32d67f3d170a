// SPDX-License-Identifier: MIT
// Checkpoints in memory, and as safetensors files: the states' tensors and texts under "name.part".

#include "storage/checkpoint.h"

#include <algorithm>

#include "core/text.h"
#include "files/safetensors.h"
#include "storage/generators.h"

namespace ftorch {
namespace {

// A colon, since names of the program have none: "kind:optimizer" is a text, "generator:cpu" a tensor.
const std::string kind_prefix = "kind:";
const std::string generator_prefix = "generator:";

/// Letters, digits, _ and -: a dot parts a name from what is in it.
void check_name(const std::string& name) {
  const auto is_allowed = [](char c) {
    return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') || c == '_' || c == '-';
  };
  if (name.empty()) fail(ft_invalid_argument, "the name is empty");
  check_free_name(name);
  if (!std::all_of(name.begin(), name.end(), is_allowed))
    fail(ft_invalid_argument,
         "'" + (is_json_text(name) ? name : "?") + "' is no name: letters, digits, _ and - make one");
}

/// A part without a name is the whole, and without a name of the whole there is the part.
std::string joined(const std::string& name, const std::string& part) {
  return part.empty() ? name : name.empty() ? part : name + "." + part;
}

std::string start_of(const std::string& name) { return name.substr(0, name.find('.')); }

/// Quoted, and no more than can be read.
std::string list_text(const std::vector<std::string>& names) {
  constexpr std::size_t most_shown = 20;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), most_shown); ++i) list += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most_shown) list += " and " + std::to_string(names.size() - most_shown) + " more";
  return list.empty() ? "nothing" : list;
}

/// Fails if a state that should be one tensor or one text is not.
void check_whole(const std::string& name, const std::string& kind, const StateDict& state) {
  if (kind == tensor_kind ? state.has("") : kind != text_kind || state.has_text("")) return;
  std::vector<std::string> names;
  for (const auto& [part, tensor] : state.tensors()) names.push_back(quoted(joined(name, part)));
  for (const auto& [part, text] : state.texts()) names.push_back(quoted(joined(name, part)) + " (text)");
  fail(ft_invalid_argument,
       "'" + name + "' is no " + kind + "; the checkpoint holds " + list_text(names) + " under that name");
}

}  // namespace

void Checkpoint::put(const std::string& name, const std::string& kind, const StateDict& state) {
  check_name(name);
  StateDict copy = state.copy();
  StateDict generators = generator_states();
  if (StateDict* const replaced = others_.find(name)) *replaced = {};
  entries_.put(name, {kind, std::move(copy)});
  generators_ = std::move(generators);
}

void Checkpoint::fail_missing(const std::string& name) const {
  std::vector<std::string> names;
  for (const auto& [key, entry] : entries_) names.push_back(quoted(key) + " (" + entry.kind + ")");
  for (const auto& [start, state] : others_) {
    for (const auto& [key, tensor] : state.tensors()) names.push_back(quoted(key));
  }
  for (const auto& [start, state] : others_) {
    for (const auto& [key, text] : state.texts()) names.push_back(quoted(key) + " (text)");
  }
  fail(ft_invalid_argument, "there is no '" + name + "'; the checkpoint holds " + list_text(names));
}

StateDict Checkpoint::other(const std::string& name, const std::string& kind) const {
  const StateDict* const found = others_.find(start_of(name));
  if (!found) fail_missing(name);
  StateDict state;
  if (kind == tensor_kind && found->has(name)) state.put("", found->tensor(name));
  else if (kind == text_kind && found->has_text(name)) state.put_text("", found->text(name));
  else state = found->part(name);
  if (state.tensors().size() + state.texts().size() == 0) fail_missing(name);
  return state;
}

StateDict Checkpoint::get(const std::string& name, const std::string& kind) const {
  const Entry* const entry = entries_.find(name);
  if (entry && entry->kind != kind)
    fail(ft_invalid_argument, "'" + name + "' is of kind " + entry->kind + ", not " + kind);
  StateDict state = entry ? entry->state : other(name, kind);
  check_whole(name, kind, state);
  return state;
}

SafeTensors Checkpoint::content() const {
  SafeTensors content;
  const auto add = [&](const std::string& name, const StateDict& state) {
    for (const auto& [part, tensor] : state.tensors()) content.tensors.emplace_back(joined(name, part), tensor);
    for (const auto& [part, text] : state.texts()) content.texts.emplace(joined(name, part), text);
  };
  for (const auto& [name, entry] : entries_) {
    content.texts.emplace(kind_prefix + name, entry.kind);
    add(name, entry.state);
  }
  for (const auto& [start, state] : others_) add("", state);
  for (const auto& [device, state] : generators_.tensors())
    content.tensors.emplace_back(generator_prefix + device, state);
  return content;
}

void Checkpoint::save(const std::string& filename) const {
  const std::string subject = file_subject(filename);
  Context context(subject.c_str());
  write_safetensors(filename, content());
}

StateDict& Checkpoint::place_of(std::string& name) {
  const std::string start = start_of(name);
  if (Entry* const entry = entries_.find(start)) {
    name.erase(0, std::min(start.size() + 1, name.size()));
    return entry->state;
  }
  if (!others_.find(start)) others_.put(start, {});
  return *others_.find(start);
}

Checkpoint::Checkpoint(SafeTensors content) {
  for (const auto& [name, text] : content.texts) {
    if (name.starts_with(kind_prefix)) entries_.put(name.substr(kind_prefix.size()), {text, {}});
  }
  for (auto& [name, text] : content.texts) {
    std::string part = name;
    if (!name.starts_with(kind_prefix)) place_of(part).put_text(part, std::move(text));
  }
  for (auto& [name, tensor] : content.tensors) {
    std::string part = name;
    if (name.starts_with(generator_prefix)) generators_.put(name.substr(generator_prefix.size()), std::move(tensor));
    else place_of(part).put(part, std::move(tensor));
  }
}

Checkpoint Checkpoint::load(const std::string& filename) {
  const std::string subject = file_subject(filename);
  Context context(subject.c_str());
  Checkpoint checkpoint(read_safetensors(InputFile(filename)));
  set_generators(checkpoint.generators_);
  return checkpoint;
}

}  // namespace ftorch
