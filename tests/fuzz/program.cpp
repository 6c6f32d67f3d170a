// SPDX-License-Identifier: MIT
// Fuzzes the JSON of exported programs: the input is an object of the JSON records of an archive, by their names.

#include <caffe2/serialize/inline_container.h>

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "load.h"

using Json = nlohmann::json;

namespace {

/// The records of an export, with memory for a few small weights.
std::string archive_of(const Json& records) {
  std::string bytes;
  caffe2::serialize::PyTorchStreamWriter writer([&](const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    return size;
  });
  const auto add = [&](const std::string& name, std::string_view record) {
    writer.writeRecord(name, record.data(), record.size());
  };
  add("archive_format", "pt2");
  add("archive_version", "0");
  for (const auto& [name, record] : records.items())
    add(name, record.dump(-1, ' ', false, Json::error_handler_t::replace));
  for (int i = 0; i < 8; ++i) {
    add("data/weights/weight_" + std::to_string(i), std::string(512, '\0'));
    add("data/constants/tensor_" + std::to_string(i), std::string(64, '\0'));
  }
  writer.writeEndOfFile();
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Json records = Json::parse(data, data + size, nullptr, false);
  if (!records.is_object() || records.size() > 3) return -1;
  for (const auto& [name, record] : records.items())
    if (!name.ends_with(".json")) return -1;
  load_model(archive_of(records));
  return 0;
}
