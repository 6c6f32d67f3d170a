// SPDX-License-Identifier: MIT
// Graphs of an archive: nodes, what they are given and what they make.

#include "model/exported/graph_reader.h"

#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>

#include <array>

#include "core/text.h"

namespace ftorch::exported {
namespace {

/// Of regions in regions, such as branches in branches.
constexpr int deepest_graph = 32;
constexpr int deepest_list = 8;

/// By the number in an archive.
constexpr std::pair<std::int64_t, at::ScalarType> dtypes[] = {
    {1, at::kByte},
    {2, at::kChar},
    {3, at::kShort},
    {4, at::kInt},
    {5, at::kLong},
    {6, at::kHalf},
    {7, at::kFloat},
    {8, at::kDouble},
    {9, at::kComplexHalf},
    {10, at::kComplexFloat},
    {11, at::kComplexDouble},
    {12, at::kBool},
    {13, at::kBFloat16},
    {28, at::kUInt16},
    {29, at::kFloat8_e4m3fn},
    {30, at::kFloat8_e5m2},
    {31, at::kFloat8_e4m3fnuz},
    {32, at::kFloat8_e5m2fnuz},
    {33, at::kFloat8_e8m0fnu},
    {34, at::kUInt32},
    {35, at::kUInt64},
};
constexpr std::pair<std::int64_t, c10::MemoryFormat> memory_formats[] = {
    {1, c10::MemoryFormat::Contiguous},
    {2, c10::MemoryFormat::ChannelsLast},
    {3, c10::MemoryFormat::ChannelsLast3d},
    {4, c10::MemoryFormat::Preserve},
};
constexpr std::pair<std::int64_t, c10::Layout> layouts[] = {{7, c10::kStrided}};

template <class Rows>
auto look_up(const Rows& rows, const Json& number, const char* what) {
  const std::int64_t key = integer_of(number);
  for (const auto& row : rows) {
    if (row.first == key) return row.second;
  }
  fail(ft_model_error, std::string("its ") + what + ", number " + std::to_string(key) + ", is not known");
}

Size read_size(const Json& json) {
  const auto [kind, value] = alternative_of(json);
  if (kind == "as_int") return {integer_of(*value), {}};
  if (kind == "as_expr") return {0, text_of(member(*value, "expr_str"))};
  fail(ft_model_error, "a size of the kind " + kind + " is not known");
}

std::vector<Size> read_sizes(const Json& json) {
  std::vector<Size> sizes;
  for_each(json, [&](const Json& size) { sizes.push_back(read_size(size)); });
  return sizes;
}

at::Device read_device(const Json& json) {
  const std::string type = text_of(member(json, "type"));
  const Json* const index = find_member(json, "index");
  constexpr std::int64_t most_devices = 127;
  const std::int64_t number = index ? integer_of(*index) : -1;
  if (number < -1 || number > most_devices) fail(ft_model_error, "there is no device " + std::to_string(number));
  return at::Device(at::Device(type).type(), static_cast<at::DeviceIndex>(number));
}

at::ScalarType read_dtype(const Json& json) { return look_up(dtypes, json, "dtype"); }

class Reader {
 public:
  Graph graph(const Json& json) {
    if (++depth_ > deepest_graph) fail(ft_model_error, "its regions are nested too deeply");
    Graph graph;
    for_each(member(json, "inputs"), [&](const Json& one) { graph.inputs.push_back(argument(one)); });
    for_each_member(member(json, "tensor_values"),
                    [&](const std::string& name, const Json& form) { graph.tensors.emplace(name, read_form(form)); });
    for_each_member(member(json, "sym_int_values"),
                    [&](const std::string& name, const Json& size) { graph.numbers.emplace(name, read_size(size)); });
    for_each(member(json, "nodes"), [&](const Json& one) { graph.nodes.push_back(node(one)); });
    for_each(member(json, "outputs"), [&](const Json& one) { graph.outputs.push_back(argument(one)); });
    --depth_;
    return graph;
  }

  Argument argument(const Json& json) {
    const auto [kind, value] = alternative_of(json);
    if (kind == "as_none") return {};
    if (kind == "as_optional_tensor") return argument(*value);
    if (kind == "as_sym_int" || kind == "as_sym_float") return number(*value, Argument::Kind::number);
    if (kind == "as_sym_bool") return number(*value, Argument::Kind::condition);
    if (kind == "as_tensor") return of_text(Argument::Kind::tensor, member(*value, "name"));
    if (kind == "as_string") return of_text(Argument::Kind::text, *value);
    if (kind == "as_graph") {
      Argument argument = of_text(Argument::Kind::graph, member(*value, "name"));
      argument.graph = std::make_shared<const Graph>(graph(member(*value, "graph")));
      return argument;
    }
    const std::optional<Argument> known = constant(kind, *value);
    return known ? *known : list(kind, *value);
  }

 private:
  static Argument of_text(Argument::Kind kind, const Json& json) {
    Argument argument;
    argument.kind = kind;
    argument.text = text_of(json);
    return argument;
  }

  static Argument of_integer(Argument::Kind kind, std::int64_t value) {
    Argument argument;
    argument.kind = kind;
    argument.integer = value;
    return argument;
  }

  static Argument of_real(Argument::Kind kind, std::complex<double> value) {
    Argument argument;
    argument.kind = kind;
    argument.real = value;
    return argument;
  }

  static std::optional<Argument> constant(const std::string& kind, const Json& json) {
    using Kind = Argument::Kind;
    if (kind == "as_bool") return of_integer(Kind::truth, truth_of(json));
    if (kind == "as_int") return of_integer(Kind::integer, integer_of(json));
    if (kind == "as_float") return of_real(Kind::real, real_of(json));
    if (kind == "as_complex")
      return of_real(Kind::complex, {real_of(member(json, "real")), real_of(member(json, "imag"))});
    if (kind == "as_scalar_type") return of_integer(Kind::scalar_type, static_cast<std::int64_t>(read_dtype(json)));
    if (kind == "as_memory_format")
      return of_integer(Kind::memory_format, static_cast<std::int64_t>(look_up(memory_formats, json, "memory format")));
    if (kind == "as_layout")
      return of_integer(Kind::layout, static_cast<std::int64_t>(look_up(layouts, json, "layout")));
    if (kind != "as_device") return {};
    Argument argument;
    argument.kind = Kind::device;
    argument.device = read_device(json);
    return argument;
  }

  /// A number in a list or alone: a value of the graph, or itself.
  static Argument number(const Json& json, Argument::Kind of_value) {
    const auto [kind, value] = alternative_of(json);
    if (kind == "as_name") return of_text(of_value, *value);
    const std::optional<Argument> known = constant(kind, *value);
    if (!known) fail(ft_model_error, "a number of the kind " + kind + " is not known");
    return *known;
  }

  /// The name of what an element of such a list is alone.
  static std::string element_kind(const std::string& list) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 11> rows{{
        {"as_tensors", "as_tensor"},
        {"as_ints", "as_int"},
        {"as_floats", "as_float"},
        {"as_strings", "as_string"},
        {"as_bools", "as_bool"},
        {"as_sym_ints", "as_sym_int"},
        {"as_sym_floats", "as_sym_float"},
        {"as_sym_bools", "as_sym_bool"},
        {"as_optional_tensors", "as_optional_tensor"},
        {"as_nested_tensors", "as_tensors"},
        {"as_int_lists", "as_ints"},
    }};
    for (const auto& [of_list, of_element] : rows) {
      if (of_list == list) return std::string(of_element);
    }
    fail(ft_model_error, "an argument of the kind " + list + " is not known");
  }

  Argument list(const std::string& kind, const Json& json) {
    if (++list_depth_ > deepest_list) fail(ft_model_error, "its lists are nested too deeply");
    const std::string of_element = element_kind(kind);
    Argument argument;
    argument.kind = Argument::Kind::list;
    for_each(json, [&](const Json& element) { argument.items.push_back(this->argument({{of_element, element}})); });
    --list_depth_;
    return argument;
  }

  /// `model.py:12` of the last line that is no part of PyTorch.
  static std::string place_of(const Json& metadata) {
    const Json* const found = find_member(metadata, "stack_trace");
    if (!found || !found->is_string()) return {};
    const std::string& trace = found->get_ref<const std::string&>();
    std::string place;
    constexpr std::string_view start = "File \"";
    constexpr std::string_view middle = "\", line ";
    for (std::size_t at = trace.find(start); at != trace.npos; at = trace.find(start, at + 1)) {
      const std::size_t name = at + start.size();
      const std::size_t end = trace.find(middle, name);
      if (end == trace.npos) break;
      const std::string file = trace.substr(name, end - name);
      if (!place.empty() && file.find("/site-packages/torch/") != file.npos) continue;
      const std::size_t line = end + middle.size();
      place = file.substr(file.rfind('/') + 1) + ":" +
              trace.substr(line, trace.find_first_not_of("0123456789", line) - line);
    }
    return place;
  }

  Node node(const Json& json) {
    Node node;
    node.target = text_of(member(json, "target"));
    const Json* const name = find_member(json, "name");
    node.name = name ? text_of(*name) : node.target;
    const Json* const metadata = find_member(json, "metadata");
    if (metadata) {
      const Json* const modules = find_member(*metadata, "nn_module_stack");
      node.place = place_of(*metadata);
      node.is_of_attention = modules && text_of(*modules).find(".MultiheadAttention") != std::string::npos;
    }
    const std::string subject = describe(node);
    const Context context(subject.c_str());
    for_each(member(json, "inputs"), [&](const Json& one) {
      node.inputs.push_back({text_of(member(one, "name")), argument(member(one, "arg"))});
    });
    for_each(member(json, "outputs"), [&](const Json& one) { node.outputs.push_back(argument(one)); });
    return node;
  }

  int depth_ = 0;
  int list_depth_ = 0;
};

}  // namespace

std::string describe(const Node& node) {
  return "node " + node.name + ", " + node.target + (node.place.empty() ? "" : " (" + node.place + ")");
}

TensorForm read_form(const Json& json) {
  return {read_dtype(member(json, "dtype")),       read_sizes(member(json, "sizes")),
          read_sizes(member(json, "strides")),     read_size(member(json, "storage_offset")),
          truth_of(member(json, "requires_grad")), read_device(member(json, "device"))};
}

Graph read_graph(const Json& json) { return Reader().graph(json); }

Argument read_argument(const Json& json) { return Reader().argument(json); }

}  // namespace ftorch::exported
