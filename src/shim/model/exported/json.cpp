// SPDX-License-Identifier: MIT
// Parts of a JSON text; whatever is wrong with them is said in the words of the file.

#include "model/exported/json.h"

#include <limits>

namespace ftorch::exported {
namespace {

/// The parser itself needs no stack, but what reads its result does.
constexpr int deepest_json = 400;

std::string beginning_of(const Json& value) {
  const Json shown = value.is_structured() ? Json(value.is_array() ? "an array" : "an object") : value;
  return shown.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 60);
}

}  // namespace

Json parse_json(std::string_view text) {
  int depth = 0;
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_quoted && text[i] == '\\') ++i;
    else if (text[i] == '"') is_quoted = !is_quoted;
    else if (!is_quoted && (text[i] == '{' || text[i] == '[') && ++depth > deepest_json)
      fail(ft_model_error, "it is nested too deeply");
    else if (!is_quoted && (text[i] == '}' || text[i] == ']')) --depth;
  }
  Json value = Json::parse(text, nullptr, false);
  if (value.is_discarded()) fail(ft_model_error, "it is no JSON");
  return value;
}

void fail_ill_typed(const Json& value, const char* wanted) {
  fail(ft_model_error, beginning_of(value) + " stands where " + wanted + " is wanted");
}

const Json* find_member(const Json& object, const char* name) {
  if (!object.is_object()) fail_ill_typed(object, "an object");
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

const Json& member(const Json& object, const char* name) {
  const Json* const found = find_member(object, name);
  if (!found) fail(ft_model_error, std::string("'") + name + "' is missing");
  return *found;
}

std::string text_of(const Json& value) {
  if (!value.is_string()) fail_ill_typed(value, "a text");
  return value.get_ref<const std::string&>();
}

std::int64_t integer_of(const Json& value) {
  const bool is_too_large = value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX;
  if (!value.is_number_integer() || is_too_large) fail_ill_typed(value, "an integer");
  return value.get<std::int64_t>();
}

double real_of(const Json& value) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (value == "Infinity") return infinity;
  if (value == "-Infinity") return -infinity;
  if (value == "NaN") return std::numeric_limits<double>::quiet_NaN();
  if (!value.is_number()) fail_ill_typed(value, "a number");
  return value.get<double>();
}

bool truth_of(const Json& value) {
  if (!value.is_boolean()) fail_ill_typed(value, "true or false");
  return value.get<bool>();
}

std::pair<std::string, const Json*> alternative_of(const Json& value) {
  if (!value.is_object() || value.size() != 1) fail_ill_typed(value, "one alternative");
  return {value.begin().key(), &value.begin().value()};
}

}  // namespace ftorch::exported
