// SPDX-License-Identifier: MIT
// JSON of an archive, and its parts with their types checked.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"

namespace ftorch::exported {

using Json = nlohmann::json;

/// Fails for what is no JSON, or nested too deeply to be a program.
Json parse_json(std::string_view text);

[[noreturn]] void fail_ill_typed(const Json& value, const char* wanted);

const Json& member(const Json& object, const char* name);
/// Null if there is none, or if it is null.
const Json* find_member(const Json& object, const char* name);

std::string text_of(const Json& value);
std::int64_t integer_of(const Json& value);
/// Also `"Infinity"`, `"-Infinity"` and `"NaN"`.
double real_of(const Json& value);
bool truth_of(const Json& value);

/// Which of its alternatives a union is, and its value.
std::pair<std::string, const Json*> alternative_of(const Json& value);

/// Calls f(element) for each of an array.
template <class F>
void for_each(const Json& array, const F& f) {
  if (!array.is_array()) fail_ill_typed(array, "an array");
  for (const Json& element : array) f(element);
}

/// Calls f(name, value) for each of an object.
template <class F>
void for_each_member(const Json& object, const F& f) {
  if (!object.is_object()) fail_ill_typed(object, "an object");
  for (auto one = object.begin(); one != object.end(); ++one) f(one.key(), one.value());
}

}  // namespace ftorch::exported
