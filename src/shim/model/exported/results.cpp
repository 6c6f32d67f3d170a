// SPDX-License-Identifier: MIT
// Leaves of the tree that Python's forward returns.

#include "model/exported/results.h"

#include <ATen/ops/scalar_tensor.h>

#include "core/error.h"
#include "core/text.h"
#include "model/exported/tree.h"
#include "tensor/plain.h"

namespace ftorch::exported {
namespace {

/// The keys of dicts, `state.h`, with numbers from 1 within; else output_1, output_2, ...
std::string name_of(const Path& path, std::size_t number) {
  if (path.empty() || !path[0].is_named) return "output_" + std::to_string(number);
  std::string name;
  for (const Key& key : path)
    name += (name.empty() ? "" : ".") + (key.is_named ? key.name : std::to_string(key.index + 1));
  return name;
}

at::Tensor as_tensor(c10::IValue&& value) {
  if (value.isTensor()) {
    check_plain(value.toTensor());
    return std::move(value).toTensor();
  }
  if (value.isBool()) return at::scalar_tensor(value.toBool(), at::kBool);
  if (value.isInt()) return at::scalar_tensor(value.toInt(), at::kLong);
  if (value.isDouble()) return at::scalar_tensor(value.toDouble(), at::kDouble);
  if (value.isComplexDouble()) return at::scalar_tensor(value.toComplexDouble(), at::kComplexDouble);
  fail(ft_model_error, "the model returns a " + value.tagKind() + " instead of a tensor");
}

}  // namespace

Results::Results(const Program& program) {
  const std::vector<Path> leaves = leaf_paths(program.output_tree);
  std::size_t leaf = 0;
  for (std::size_t i = 0; i < program.outputs.size(); ++i) {
    const Output& output = program.outputs[i];
    if (output.kind != Output::Kind::user) continue;
    const Path path = leaf < leaves.size() ? leaves[leaf] : Path();
    ++leaf;
    const Argument::Kind kind = output.argument.kind;
    if (kind == Argument::Kind::none) continue;
    if (kind == Argument::Kind::text || kind == Argument::Kind::list || kind == Argument::Kind::graph)
      fail(ft_model_error, "the model returns a value that is no tensor and no number");
    places_.push_back(i);
    names_.push_back(name_of(path, places_.size()));
  }
}

std::vector<Argument> Results::arguments(const Program& program) const {
  std::vector<Argument> list;
  for (const std::size_t place : places_) list.push_back(program.outputs[place].argument);
  return list;
}

void Results::take(Stack& stack, PassTensors& results) const {
  for (const std::size_t place : places_) {
    const Context context("result", static_cast<std::int64_t>(results.size()));
    results.push_back(as_tensor(std::move(stack[place])));
  }
}

}  // namespace ftorch::exported
