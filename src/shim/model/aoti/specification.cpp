// SPDX-License-Identifier: MIT
// The specification stands as a text in the metadata that AOTInductor puts beside its library.

#include "model/aoti/specification.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/text.h"
#include "model/exported/json.h"

namespace ftorch::aoti {
namespace {

using namespace exported;

constexpr std::string_view folder = "data/aotinductor/";
constexpr std::string_view metadata_ending = ".wrapper_metadata.json";
constexpr const char* specification_key = "ftorch_specification";
constexpr const char* instructions_key = "AOTI_CPU_ISA";
constexpr const char* unused_path = "extra/ftorch_unused.json";
constexpr std::int64_t known_version = 1;

bool ends_with(std::string_view text, std::string_view ending) { return text.ends_with(ending); }

const Archive::Record& record_ending(const std::vector<const Archive::Record*>& records, std::string_view ending) {
  const auto found = std::find_if(records.begin(), records.end(),
                                  [&](const auto* record) { return ends_with(record->name, ending); });
  if (found == records.end()) fail(ft_model_error, "the package has no " + std::string(ending));
  return **found;
}

/// What a package that was compiled by other means lacks.
[[noreturn]] void fail_unspecified() {
  fail(ft_model_error,
       "the package does not say which inputs it takes, and its code does not check them; export the model with "
       "ftorch-export --format aoti, or add what is missing by ftorch-export specify");
}

std::unordered_map<std::string, std::string> read_texts(const Json& json) {
  std::unordered_map<std::string, std::string> texts;
  for_each_member(json, [&](const std::string& name, const Json& text) { texts.emplace(name, text_of(text)); });
  return texts;
}

std::size_t count_of(const Json& json) {
  constexpr std::int64_t most = 1'000'000;
  const std::int64_t count = integer_of(json);
  if (count < 0 || count > most) fail_ill_typed(json, "a count");
  return static_cast<std::size_t>(count);
}

StepParts read_step(const Json& json) {
  const auto names = [&](const char* key) {
    std::vector<std::string> list;
    for_each(member(json, key), [&](const Json& name) { list.push_back(text_of(name)); });
    return list;
  };
  return {names("parameters"),
          names("buffers"),
          names("gradients"),
          names("unused"),
          count_of(member(json, "inputs")),
          count_of(member(json, "targets"))};
}

int digit_of(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  fail(ft_model_error, "a number in it is not written in hexadecimal digits");
}

std::string bytes_of(const std::string& digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<char>(digit_of(digits[i]) * 16 + digit_of(digits[i + 1])));
  return bytes;
}

}  // namespace

std::vector<const Archive::Record*> code_records(const Archive& archive) {
  std::vector<const Archive::Record*> records;
  std::set<std::string> models;
  for (const Archive::Record& record : archive.records()) {
    const std::string_view path = record.path();
    if (path.rfind(folder, 0) != 0) continue;
    models.emplace(path.substr(folder.size(), path.find('/', folder.size()) - folder.size()));
    if (!ends_with(path, ".cpp")) records.push_back(&record);
  }
  if (models.size() > 1)
    fail(ft_model_error, "the package has " + std::to_string(models.size()) + " models; FTorch reads those with one");
  return records;
}

Specification read_specification(const Archive& archive) {
  const Archive::Record& record = record_ending(code_records(archive), metadata_ending);
  const Json metadata = parse_json(archive.read(record.path()));
  const Json* const text = find_member(metadata, specification_key);
  if (!text) fail_unspecified();
  const Context context("its specification");
  const Json json = parse_json(text_of(*text));
  const std::int64_t version = integer_of(member(json, "version"));
  if (version != known_version)
    fail(ft_model_error, "it has version " + std::to_string(version) + "; this FTorch reads " +
                             std::to_string(known_version) + "; export the model again");
  Specification found;
  const Json* const instructions = find_member(metadata, instructions_key);
  found.target = {text_of(member(json, "machine")), text_of(member(json, "march")),
                  instructions ? text_of(*instructions) : "", text_of(member(json, "torch"))};
  found.is_frozen = text_of(member(json, "variant")) == "frozen";
  // Older packages do not say it.
  const Json* const needs_elements = find_member(json, "needs_elements");
  found.needs_elements = found.is_frozen || (needs_elements && truth_of(*needs_elements));
  found.is_training = truth_of(member(json, "training"));
  if (const Json* const step = find_member(json, "train_step")) found.step = read_step(*step);
  if (const Json* const aliases = find_member(json, "aliases")) found.aliases = read_texts(*aliases);
  // LibTorch's version is told before the program, which another one may write in another way.
  check_target(found.target);
  found.program = read_program(member(json, "program").dump());
  return found;
}

std::unordered_map<std::string, std::string> read_unused(const Archive& archive) {
  if (!archive.find(unused_path)) return {};
  const Context context(unused_path);
  std::unordered_map<std::string, std::string> all = read_texts(parse_json(archive.read(unused_path)));
  for (auto& [name, digits] : all) digits = bytes_of(digits);
  return all;
}

}  // namespace ftorch::aoti
