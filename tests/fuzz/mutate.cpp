// SPDX-License-Identifier: MIT
// Changes JSON so that it stays JSON: libFuzzer's own changes would seldom get past the parser.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

using Json = nlohmann::json;
using Generator = std::minstd_rand;

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace {

std::size_t below(std::size_t bound, Generator& generator) { return generator() % bound; }

void collect(Json& value, std::vector<Json*>& all) {
  all.push_back(&value);
  if (!value.is_structured()) return;
  for (Json& part : value) collect(part, all);
}

Json* any_of(Json& value, Generator& generator) {
  std::vector<Json*> all;
  collect(value, all);
  return all[below(all.size(), generator)];
}

Json plain_value(Generator& generator) {
  const Json values[] = {nullptr,
                         true,
                         false,
                         0,
                         1,
                         -1,
                         2,
                         7,
                         1000000007,
                         std::numeric_limits<std::int64_t>::max(),
                         std::numeric_limits<std::int64_t>::min(),
                         std::numeric_limits<std::uint64_t>::max(),
                         0.5,
                         1e308,
                         "",
                         "x",
                         "Infinity",
                         "s0",
                         "2*s0 + 1",
                         "Max(1, s0)",
                         Json::array(),
                         Json::object()};
  return values[below(std::size(values), generator)];
}

void change_text(std::string& text) {
  const std::size_t most = text.size() + 8;
  std::vector<std::uint8_t> bytes(text.begin(), text.end());
  bytes.resize(most);
  bytes.resize(LLVMFuzzerMutate(bytes.data(), text.size(), most));
  text.assign(bytes.begin(), bytes.end());
}

void change(Json& records, Generator& generator) {
  Json& one = *any_of(records, generator);
  switch (below(5, generator)) {
    case 0: one = plain_value(generator); break;
    case 1: one = Json(*any_of(records, generator)); break;
    case 2:
      if (one.is_array() && !one.empty()) one.push_back(Json(one[below(one.size(), generator)]));
      break;
    case 3:
      if (one.is_structured() && !one.empty()) one.erase(std::next(one.begin(), below(one.size(), generator)));
      break;
    default:
      if (one.is_string()) change_text(one.get_ref<std::string&>());
      else if (one.is_number_integer()) one = static_cast<std::int64_t>(generator()) - 1000;
  }
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  Generator generator(seed);
  Json records = Json::parse(data, data + size, nullptr, false);
  if (!records.is_object()) return 0;
  for (std::size_t i = 0, count = 1 + below(3, generator); i < count; ++i) change(records, generator);
  const std::string text = records.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > most) return 0;
  std::memcpy(data, text.data(), text.size());
  return text.size();
}
