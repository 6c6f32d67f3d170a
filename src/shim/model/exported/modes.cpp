// SPDX-License-Identifier: MIT
// What can be told of the mode of a program from its nodes, and how it is changed.

#include "model/exported/modes.h"

#include <algorithm>
#include <string_view>

#include "core/error.h"

namespace ftorch::exported {
namespace {

const Argument* given(const Node& node, std::string_view argument) {
  const auto found = std::find_if(node.inputs.begin(), node.inputs.end(),
                                  [&](const NamedArgument& input) { return input.name == argument; });
  return found == node.inputs.end() ? nullptr : &found->argument;
}

bool is_zero(const Argument& argument) {
  return (argument.kind == Argument::Kind::real && argument.real == 0.0) ||
         (argument.kind == Argument::Kind::integer && argument.integer == 0);
}

/// Without statistics of its own a normalisation takes those of its input in either mode.
bool has_modes(const Node& node, const c10::FunctionSchema& schema) {
  if (!schema.argumentIndexWithName("momentum")) return true;
  const Argument* const statistics = given(node, "running_mean");
  return statistics && statistics->kind == Argument::Kind::tensor;
}

bool is_mode(const c10::FunctionSchema& schema, const c10::Argument& argument) {
  const std::string& name = argument.name();
  return name == "train" || name == "training" || (name == "use_input_stats" && schema.name() == "aten::instance_norm");
}

}  // namespace

bool Modes::add_argument(const Node& node, const c10::FunctionSchema& schema, const c10::Argument& argument,
                         c10::IValue& place) {
  const bool is_switch = is_mode(schema, argument) && place.isBool() && has_modes(node, schema);
  if (is_switch) switches_.push_back({&place, true, false, place.toBool()});
  else if (argument.name() == "dropout_p" && place.isDouble() && place.toDouble() > 0)
    switches_.push_back({&place, place, 0.0, true});
  return is_switch;
}

void Modes::add_operator(const Node& node, const c10::FunctionSchema& schema) {
  const std::string_view name = schema.name();
  const Argument* const mode = given(node, "training");
  const Argument* const momentum = given(node, "momentum");
  const bool is_evaluation = mode && mode->kind == Argument::Kind::truth && mode->integer == 0;
  // Without a momentum a normalisation divides by the number of batches, which its node in evaluation does not say.
  if (is_evaluation && momentum && is_zero(*momentum)) bound_to_evaluation_ = "a normalisation without a momentum";
  if (name.ends_with("_no_training") || name == "aten::_batch_norm_no_update") bound_to_evaluation_ = "a normalisation";
  if (name.starts_with("aten::_batch_norm_with_update")) bound_to_training_ = "a normalisation";
  if (is_decomposed_ && name.starts_with("aten::bernoulli")) bound_to_training_ = "a dropout";
  // In evaluation it makes no node for its dropout.
  if (node.is_of_attention) has_attention_without_dropout_ = true;
  if (name.find("scaled_dot_product") == name.npos) return;
  const Argument* const dropout = given(node, "dropout_p");
  if (!dropout || is_zero(*dropout)) has_attention_without_dropout_ = true;
}

Exported Modes::exported() const {
  const auto was = [](bool is_training) {
    return [is_training](const Switch& one) { return one.was_training == is_training; };
  };
  if (!bound_to_training_.empty() || std::any_of(switches_.begin(), switches_.end(), was(true)))
    return Exported::training;
  if (!bound_to_evaluation_.empty() || std::any_of(switches_.begin(), switches_.end(), was(false)))
    return Exported::evaluation;
  return Exported::unknown;
}

void Modes::check(bool is_training) const {
  const Exported exported = this->exported();
  const std::string mode = exported == Exported::training ? "training" : "evaluation";
  const std::string remedy = "; export it after model.train(), and without run_decompositions()";
  if (!is_training && !bound_to_training_.empty())
    fail(ft_model_error, "the model was exported in training mode and decomposed, so that " + bound_to_training_ +
                             " of it cannot be set to evaluation; load it for training, or export it without "
                             "run_decompositions()");
  if (!is_training || exported == Exported::training) return;
  if (is_decomposed_)
    fail(ft_model_error,
         "the model was exported in evaluation mode, or has no modes, and was decomposed, so that it "
         "cannot be set to training" +
             remedy + ". Without dropout and normalisations there is nothing to set: train it without is_training");
  if (exported != Exported::evaluation) return;
  if (!bound_to_evaluation_.empty())
    fail(ft_model_error, "the model was exported in evaluation mode, and " + bound_to_evaluation_ +
                             " of it cannot be set to training" + remedy);
  if (has_attention_without_dropout_)
    fail(ft_model_error,
         "the model was exported in evaluation mode, in which the dropout of its attention is not "
         "known, so that it cannot be set to training" +
             remedy);
}

void Modes::train(bool is_training) {
  check(is_training);
  const bool was_training = exported() == Exported::training;
  // What a program exported in training has in evaluation mode, such as a frozen normalisation, is meant so.
  for (const Switch& one : switches_)
    *one.place = is_training && (one.was_training || !was_training) ? one.in_training : one.in_evaluation;
  is_training_ = is_training;
}

}  // namespace ftorch::exported
