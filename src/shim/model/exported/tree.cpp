// SPDX-License-Identifier: MIT
// Pytrees, after torch.utils._pytree.treespec_dumps.

#include "model/exported/tree.h"

#include "model/exported/json.h"

namespace ftorch::exported {
namespace {

constexpr std::size_t deepest_container = 64;

/// The names of a container's elements; none if they are counted.
std::vector<std::string> names_of(const Json& node) {
  std::vector<std::string> names;
  const Json* const context = find_member(node, "context");
  if (!context || !context->is_string()) return names;
  const std::string& type = text_of(member(node, "type"));
  if (type != "builtins.dict" && type != "collections.OrderedDict") return names;
  for_each(parse_json(text_of(*context)),
           [&](const Json& key) { names.push_back(key.is_string() ? text_of(key) : key.dump()); });
  return names;
}

void add_leaves(const Json& node, Path& path, std::vector<Path>& leaves) {
  if (path.size() > deepest_container) fail(ft_model_error, "its containers are nested too deeply");
  if (!find_member(node, "type")) {
    leaves.push_back(path);
    return;
  }
  const std::vector<std::string> names = names_of(node);
  std::size_t index = 0;
  for_each(member(node, "children_spec"), [&](const Json& child) {
    const bool is_named = index < names.size();
    path.push_back({is_named ? names[index] : "", index, is_named});
    add_leaves(child, path, leaves);
    path.pop_back();
    ++index;
  });
}

}  // namespace

std::vector<Path> leaf_paths(std::string_view text) {
  std::vector<Path> leaves;
  if (text.empty()) return leaves;
  const Json json = parse_json(text);
  if (!json.is_array() || json.size() != 2) fail_ill_typed(json, "a version and a tree");
  Path path;
  add_leaves(json[1], path, leaves);
  return leaves;
}

std::string python_text(const Path& path, std::size_t first) {
  std::string text;
  for (std::size_t i = first; i < path.size(); ++i) {
    const std::string key = path[i].is_named ? '\'' + path[i].name + '\'' : std::to_string(path[i].index);
    text.append("[").append(key).append("]");
  }
  return text;
}

}  // namespace ftorch::exported
