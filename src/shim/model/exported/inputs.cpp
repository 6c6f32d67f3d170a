// SPDX-License-Identifier: MIT
// Inputs of the user, in the order of export's pytree.

#include "model/exported/inputs.h"

#include <ATen/core/ivalue.h>
#include <ATen/ops/empty_strided.h>

#include <algorithm>
#include <sstream>

#include "core/error.h"
#include "core/text.h"
#include "model/argument_names.h"
#include "model/exported/tree.h"
#include "tensor/convert.h"
#include "tensor/plain.h"

namespace ftorch::exported {
namespace {

using Kind = Argument::Kind;

bool is_number(const Argument& argument) {
  return argument.kind == Kind::integer || argument.kind == Kind::real || argument.kind == Kind::truth;
}

/// What Python calls each leaf of the inputs in a guard.
std::vector<std::string> places_of(const Program& program) {
  std::vector<std::string> places;
  for (const Path& path : leaf_paths(program.input_tree)) {
    // The tree holds the positional arguments and the others.
    const bool is_known = path.size() >= 2 && (path[1].is_named || path[1].index < program.argument_names.size());
    std::string& place = places.emplace_back();
    if (!is_known) continue;
    Path named = path;
    if (!path[1].is_named) named[1] = {program.argument_names[path[1].index], 0, true};
    place.append("L").append(python_text(named, 1));
  }
  return places;
}

/// The tensor, or a copy with the strides of the program. Where a dimension has one place, its stride is no matter.
at::Tensor with_strides(const UserInput& input, const at::Tensor& tensor, const Variables& symbols) {
  c10::SmallVector<std::int64_t, 8> strides;
  bool is_same = !tensor.is_conj() && !tensor.is_neg();
  for (std::size_t i = 0; i < input.strides.size(); ++i) {
    strides.push_back(Symbols::value(input.strides[i], symbols));
    const auto dimension = static_cast<std::int64_t>(i);
    is_same = is_same && (tensor.size(dimension) <= 1 || tensor.stride(dimension) == strides.back());
  }
  if (is_same || tensor.numel() == 0) return tensor;
  return at::empty_strided(tensor.sizes(), strides, tensor.options()).copy_(tensor);
}

std::string number_text(const c10::IValue& number) {
  std::ostringstream text;
  text << number;
  return std::move(text).str();
}

}  // namespace

Inputs::Inputs(const Program& program, Strides strides) : symbols_(program) {
  const std::vector<std::string> leaves = places_of(program);
  std::vector<std::string> places;
  std::size_t leaf = 0;
  for (std::size_t i = 0; i < program.inputs.size(); ++i) {
    const Input& input = program.inputs[i];
    if (input.kind != Input::Kind::user && input.kind != Input::Kind::fixed) continue;
    const std::string place = leaf < leaves.size() ? leaves[leaf] : "";
    ++leaf;
    // What is no tensor and no number, None or a text, cannot be given.
    if (input.kind == Input::Kind::fixed && !is_number(input.fixed)) continue;
    add(program, i, strides);
    places.push_back(place.empty() ? "L['" + inputs_.back().name + "']" : place);
  }
  for (UserInput& input : inputs_) {
    for (Extent& extent : input.extents) symbols_.relate(extent);
  }
  guards_ = Guards(program, names(), places);
}

void Inputs::add(const Program& program, std::size_t place, Strides strides) {
  const Input& input = program.inputs[place];
  UserInput made;
  made.name = input.kind == Input::Kind::user ? input.value : input.name;
  if (made.name.empty()) made.name = "input_" + std::to_string(inputs_.size() + 1);
  const Context context(made.name.c_str());
  made.argument = input.kind == Input::Kind::fixed ? input.fixed : program.graph.inputs[place];
  if (input.kind == Input::Kind::fixed) {
    const Argument& fixed = input.fixed;
    made.number = fixed.kind == Kind::real      ? c10::IValue(fixed.real.real())
                  : fixed.kind == Kind::integer ? c10::IValue(fixed.integer)
                                                : c10::IValue(fixed.integer != 0);
  } else if (program.graph.inputs[place].kind == Kind::tensor) {
    const auto form = program.graph.tensors.find(input.value);
    if (form == program.graph.tensors.end()) fail(ft_model_error, "the archive does not say what it is");
    made.dtype = form->second.dtype;
    for (const Size& size : form->second.sizes)
      made.extents.push_back(
          symbols_.extent(size, "dimension " + std::to_string(made.extents.size() + 1) + " of " + made.name));
    if (strides == Strides::compiled) {
      for (const Size& stride : form->second.strides) made.strides.push_back(symbols_.expression(stride));
    }
  } else {
    const auto form = program.graph.numbers.find(input.value);
    if (form != program.graph.numbers.end()) made.extents.push_back(symbols_.extent(form->second, made.name));
  }
  inputs_.push_back(std::move(made));
}

bool Inputs::has_numbers() const {
  return std::any_of(inputs_.begin(), inputs_.end(), [](const UserInput& input) { return !input.dtype; });
}

std::vector<std::string> Inputs::names() const {
  std::vector<std::string> list;
  for (const UserInput& input : inputs_) list.push_back(input.name);
  return list;
}

std::vector<Argument> Inputs::arguments() const {
  std::vector<Argument> list;
  for (const UserInput& input : inputs_) list.push_back(input.argument);
  return list;
}

std::optional<std::size_t> Inputs::find(const std::string& name) const {
  const auto found = std::find_if(inputs_.begin(), inputs_.end(), [&](const auto& one) { return one.name == name; });
  return found == inputs_.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - inputs_.begin()));
}

void Inputs::check_count(std::size_t count) const {
  if (count == inputs_.size()) [[likely]]
    return;
  std::string list;
  for (const UserInput& input : inputs_) list.append(list.empty() ? " (" : ", ").append(input.name);
  fail(ft_invalid_argument, std::string(argument_names.inputs) + ": the model takes " + std::to_string(inputs_.size()) +
                                (inputs_.size() == 1 ? " input" : " inputs") + (list.empty() ? "" : list + ")") + "; " +
                                std::to_string(count) + (count == 1 ? " was given" : " were given"));
}

void Inputs::check_form(const UserInput& input, const at::Tensor& tensor) const {
  const std::size_t rank = input.dtype ? input.extents.size() : 0;
  if (static_cast<std::size_t>(tensor.dim()) != rank) [[unlikely]]
    fail(ft_shape_mismatch, "the tensor has " + std::to_string(tensor.dim()) +
                                (tensor.dim() == 1 ? " dimension" : " dimensions") + "; the model takes " +
                                (input.dtype ? std::to_string(rank) : "a number, which has none"));
  if (input.dtype && tensor.scalar_type() != *input.dtype) [[unlikely]]
    fail(ft_dtype_mismatch,
         "the tensor is " + dtype_name(tensor.scalar_type()) + "; the model takes " + dtype_name(*input.dtype));
}

/// Calls f(input, tensor); a failure says which it is about.
template <class F>
void Inputs::for_each_given(at::TensorList given, const F& f) const {
  std::size_t place = 0;
  const DeferredContext context([&] {
    return place < subjects_.size() ? subjects_[place]
                                    : element_text(argument_names.inputs, place) + ", " + inputs_[place].name;
  });
  for (; place < given.size(); ++place) f(inputs_[place], given[place]);
}

c10::IValue Inputs::number(const UserInput& input, const at::Tensor& tensor, Variables& symbols) const {
  const c10::IValue given(tensor.item());
  if (input.number) {
    if (given.isScalar() && !given.isComplexDouble() && Number(given) == Number(*input.number)) return given;
    fail(ft_invalid_argument, "the model was exported for the number " + number_text(*input.number) + "; got " +
                                  number_text(given) + "; export it with a tensor instead of a number");
  }
  if (!given.isInt())
    fail(ft_dtype_mismatch, "the tensor is " + dtype_name(tensor.scalar_type()) + "; the model takes an integer");
  for (const Extent& extent : input.extents) symbols_.find(extent, given.toInt(), Symbols::no_dimension, symbols);
  return given;
}

template <class F>
Variables Inputs::check(at::TensorList given, const F& take) const {
  check_count(given.size());
  Variables symbols = symbols_.unknown();
  for_each_given(given, [&](const UserInput& input, const at::Tensor& tensor) {
    check_form(input, tensor);
    if (!input.dtype) {
      c10::IValue value = number(input, tensor, symbols);
      if (!input.number) take(std::move(value));
      return;
    }
    const at::IntArrayRef sizes = tensor.sizes();
    for (std::size_t i = 0; i < sizes.size(); ++i)
      symbols_.find(input.extents[i], sizes[i], static_cast<std::int64_t>(i), symbols);
    take(c10::IValue(tensor));
  });
  if (symbols_.has_relations()) {
    for_each_given(given, [&](const UserInput& input, const at::Tensor& tensor) {
      for (std::size_t i = 0; input.dtype && i < input.extents.size(); ++i)
        symbols_.check(input.extents[i], tensor.size(static_cast<std::int64_t>(i)), static_cast<std::int64_t>(i),
                       symbols);
    });
  }
  guards_.check(given);
  return symbols;
}

void Inputs::push(at::TensorList given, Stack& stack) const {
  check(given, [&](c10::IValue&& value) { stack.push_back(std::move(value)); });
}

void Inputs::check_forms(at::TensorList first) const {
  Variables symbols = symbols_.unknown();
  for_each_given(first, [&](const UserInput& input, const at::Tensor& tensor) {
    check_form(input, tensor);
    for (std::size_t i = 0; i < input.extents.size(); ++i)
      symbols_.find(input.extents[i], tensor.size(static_cast<std::int64_t>(i)), static_cast<std::int64_t>(i), symbols);
  });
}

PassTensors Inputs::arranged(at::TensorList given) const {
  const Variables symbols = check(given, [](const c10::IValue&) {});
  PassTensors list;
  for_each_given(given, [&](const UserInput& input, const at::Tensor& tensor) {
    if (input.number) return;
    if (!input.dtype) fail(ft_model_error, "a number that differs from call to call cannot be given to compiled code");
    check_plain(tensor);
    if (!tensor.is_cpu())
      fail(ft_invalid_argument, "the tensor is on " + tensor.device().str() + "; the model is on cpu");
    list.push_back(with_strides(input, tensor, symbols));
  });
  return list;
}

}  // namespace ftorch::exported
