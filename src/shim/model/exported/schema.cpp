// SPDX-License-Identifier: MIT
// The program of an archive: its version, its graph, and what the graph's inputs and outputs are.

#include "model/exported/schema.h"

#include <algorithm>

#include "core/text.h"
#include "model/exported/graph_reader.h"
#include "model/exported/json.h"

namespace ftorch::exported {
namespace {

constexpr std::int64_t known_major_version = 8;

void check_version(const Json& json) {
  const Json& version = member(json, "schema_version");
  const std::int64_t major = integer_of(member(version, "major"));
  const std::int64_t minor = integer_of(member(version, "minor"));
  if (major == known_major_version && minor >= 0) return;
  const Json* const torch = find_member(json, "torch_version");
  fail(ft_model_error, "its schema has version " + std::to_string(major) + "." + std::to_string(minor) +
                           (torch && torch->is_string() ? ", of PyTorch " + text_of(*torch) : "") + "; FTorch reads " +
                           std::to_string(known_major_version) + ".*; export the model with a PyTorch that writes it");
}

Input read_input(const Json& json) {
  const auto [kind, value] = alternative_of(json);
  const auto named = [&, value = value](Input::Kind of, const char* name) {
    return Input{of, text_of(member(member(*value, "arg"), "name")), text_of(member(*value, name)), true, {}};
  };
  if (kind == "parameter") return named(Input::Kind::parameter, "parameter_name");
  if (kind == "tensor_constant") return named(Input::Kind::constant, "tensor_constant_name");
  if (kind == "buffer") {
    Input input = named(Input::Kind::buffer, "buffer_name");
    const Json* const persistent = find_member(*value, "persistent");
    input.is_persistent = !persistent || truth_of(*persistent);
    return input;
  }
  if (kind == "constant_input")
    return {Input::Kind::fixed, {}, text_of(member(*value, "name")), false, read_argument(member(*value, "value"))};
  if (kind != "user_input") fail(ft_model_error, "an input of the kind " + kind + " is not known");
  const Argument argument = read_argument(member(*value, "arg"));
  return argument.is_value() ? Input{Input::Kind::user, argument.text, {}, false, {}}
                             : Input{Input::Kind::fixed, {}, {}, false, argument};
}

Output read_output(const Json& json) {
  const auto [kind, value] = alternative_of(json);
  const Json& argument = member(*value, "arg");
  const auto tensor = [&] { return read_argument({{"as_tensor", argument}}); };
  if (kind == "user_output") return {Output::Kind::user, read_argument(argument), {}};
  if (kind == "loss_output") return {Output::Kind::user, tensor(), {}};
  if (kind == "buffer_mutation") return {Output::Kind::buffer, tensor(), text_of(member(*value, "buffer_name"))};
  if (kind == "parameter_mutation")
    return {Output::Kind::parameter, tensor(), text_of(member(*value, "parameter_name"))};
  if (kind == "user_input_mutation") return {Output::Kind::input, tensor(), text_of(member(*value, "user_input_name"))};
  fail(ft_model_error, "an output of the kind " + kind + " is not known");
}

/// Fails unless the inputs of the graph are those that the signature speaks of.
void check_inputs(const Program& program) {
  if (program.inputs.size() != program.graph.inputs.size())
    fail(ft_model_error, "its graph has " + std::to_string(program.graph.inputs.size()) + " inputs, its signature " +
                             std::to_string(program.inputs.size()));
  for (std::size_t i = 0; i < program.inputs.size(); ++i) {
    const Argument& argument = program.graph.inputs[i];
    const Input& input = program.inputs[i];
    const bool is_user = input.kind == Input::Kind::user;
    const bool is_right = input.kind == Input::Kind::fixed ? !argument.is_value()
                          : is_user ? argument.is_value() && argument.text == input.value
                                    : argument.kind == Argument::Kind::tensor && argument.text == input.value;
    if (!is_right)
      fail(ft_model_error, "input " + std::to_string(i + 1) + " of its graph is another one than its signature says");
  }
}

/// What was told of the whole module, the first entry.
void read_call(const Json& json, Program& program) {
  for_each(json, [&](const Json& entry) {
    if (!text_of(member(entry, "fqn")).empty()) return;
    const Json* const signature = find_member(entry, "signature");
    if (!signature) return;
    program.input_tree = text_of(member(*signature, "in_spec"));
    program.output_tree = text_of(member(*signature, "out_spec"));
    const Json* const names = find_member(*signature, "forward_arg_names");
    if (names) for_each(*names, [&](const Json& name) { program.argument_names.push_back(text_of(name)); });
  });
}

Range read_range(const Json& json) {
  Range range;
  const auto bound = [&](const char* name, std::optional<std::int64_t>& of) {
    if (const Json* const found = find_member(json, name)) of = integer_of(*found);
  };
  bound("min_val", range.least);
  bound("max_val", range.most);
  return range;
}

void read_conditions(const Json& json, Program& program) {
  for_each_member(member(json, "range_constraints"), [&](const std::string& name, const Json& range) {
    program.ranges.emplace_back(name, read_range(range));
  });
  const Json* const guards = find_member(json, "guards_code");
  if (guards) for_each(*guards, [&](const Json& guard) { program.guards.push_back(text_of(guard)); });
  const Json* const verifiers = find_member(json, "verifiers");
  if (!verifiers) return;
  for_each(*verifiers, [&](const Json& verifier) { program.is_decomposed |= text_of(verifier) != "TRAINING"; });
}

/// torch.export makes `self.h = y` a copy into the buffer h at the end of the graph. What has the old h keeps it.
void take_assignments(Program& program) {
  const auto is_tensor = [](const NamedArgument& one) { return one.argument.kind == Argument::Kind::tensor; };
  for (auto& nodes = program.graph.nodes; !nodes.empty(); nodes.pop_back()) {
    const Node& node = nodes.back();
    const auto& given = node.inputs;
    const bool is_assignment = node.target == "torch.ops.aten.copy_.default" && node.name.starts_with("copy__default");
    if (!is_assignment || given.size() != 2 || !std::all_of(given.begin(), given.end(), is_tensor)) return;
    const auto buffer = std::find_if(program.inputs.begin(), program.inputs.end(), [&](const Input& input) {
      return input.kind == Input::Kind::buffer && input.value == given[0].argument.text;
    });
    if (buffer == program.inputs.end()) return;
    const bool is_known = std::any_of(program.outputs.begin(), program.outputs.end(), [&](const Output& output) {
      const auto is_result = [&](const Argument& one) { return one.text == output.argument.text; };
      return (output.kind == Output::Kind::buffer && output.name == buffer->name) ||
             std::any_of(node.outputs.begin(), node.outputs.end(), is_result);
    });
    if (is_known) return;
    program.outputs.push_back({Output::Kind::buffer, given[1].argument, buffer->name});
  }
}

}  // namespace

Program read_program(std::string_view text) {
  const Json json = parse_json(text);
  check_version(json);
  const Json& module = member(json, "graph_module");
  const Json& signature = member(module, "signature");
  Program program;
  program.graph = read_graph(member(module, "graph"));
  for_each(member(signature, "input_specs"), [&](const Json& one) { program.inputs.push_back(read_input(one)); });
  for_each(member(signature, "output_specs"), [&](const Json& one) { program.outputs.push_back(read_output(one)); });
  check_inputs(program);
  read_call(member(module, "module_call_graph"), program);
  read_conditions(json, program);
  take_assignments(program);
  return program;
}

std::vector<Payload> read_payloads(std::string_view text) {
  const Json json = parse_json(text);
  std::vector<Payload> payloads;
  for_each_member(member(json, "config"), [&](const std::string& name, const Json& one) {
    const Context context(name.c_str());
    const Json* const form = find_member(one, "tensor_meta");
    payloads.push_back({name, text_of(member(one, "path_name")), truth_of(member(one, "is_param")),
                        truth_of(member(one, "use_pickle")), form ? std::optional(read_form(*form)) : std::nullopt});
  });
  return payloads;
}

std::string with_requires_grad(std::string_view text, const std::unordered_map<std::string, bool>& requires_grad) {
  // The order of the names is that of Python's state_dict().
  auto json = nlohmann::ordered_json::parse(text);
  for (const auto& [name, value] : requires_grad) json["config"][name]["tensor_meta"]["requires_grad"] = value;
  return json.dump();
}

}  // namespace ftorch::exported
