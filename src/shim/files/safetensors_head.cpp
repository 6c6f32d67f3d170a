// SPDX-License-Identifier: MIT
// JSON of a safetensors file, and the checks that make it believable.

#include "files/safetensors_head.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "core/error.h"
#include "files/crc32.h"
#include "files/safetensors.h"

namespace ftorch {
namespace {

using nlohmann::json;

constexpr std::uint64_t longest_head = 100'000'000;
constexpr std::size_t size_bytes = 8;
constexpr int newest_format = 1;
// What we add to the texts of a file. Those that check it are there all or none. The checksum of size and head counts
// itself as blank_checksum.
constexpr const char* texts_key = "__metadata__";
constexpr const char* added_start = "ftorch_";
constexpr const char* format_key = "ftorch_format";
constexpr const char* checksums_key = "ftorch_crc32";
constexpr const char* complex_key = "ftorch_view_as_complex";
constexpr const char* head_checksum_key = "ftorch_header_crc32";
constexpr const char* checking_keys[] = {format_key, checksums_key, head_checksum_key};
const char* const blank_checksum = "00000000";
constexpr std::size_t checksum_digits = 8;

struct DTypeName {
  const char* name;
  c10::ScalarType type;
};

constexpr DTypeName dtype_names[] = {
    {"F64", c10::kDouble}, {"F32", c10::kFloat}, {"F16", c10::kHalf},         {"BF16", c10::kBFloat16},
    {"I64", c10::kLong},   {"I32", c10::kInt},   {"I16", c10::kShort},        {"I8", c10::kChar},
    {"U8", c10::kByte},    {"BOOL", c10::kBool}, {"C64", c10::kComplexFloat},
};

const char* name_of(c10::ScalarType type) {
  for (const DTypeName& row : dtype_names) {
    if (row.type == type) return row.name;
  }
  fail(ft_dtype_mismatch, std::string("safetensors files have no dtype for PyTorch's ") + c10::toString(type));
}

std::string checksum_text(std::uint32_t checksum) {
  char text[checksum_digits + 1];
  std::snprintf(text, sizeof(text), "%08x", checksum);
  return text;
}

std::uint32_t parse_checksum(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  // Exactly as it was written: a capital letter is a flipped bit.
  if (error != std::errc() || end != text.data() + text.size() || checksum_text(value) != text)
    fail_damaged_file("a checksum in its head is none");
  return value;
}

std::string size_text(std::uint64_t size) {
  std::string text(size_bytes, '\0');
  for (std::size_t i = 0; i < size_bytes; ++i) text[i] = static_cast<char>(size >> 8 * i & 255);
  return text;
}

std::uint64_t parse_size(std::string_view text) {
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < size_bytes; ++i) size |= std::uint64_t{static_cast<unsigned char>(text[i])} << 8 * i;
  return size;
}

/// Fails if a name comes twice in an object, or objects are nested too deeply.
class NameCheck : public json::json_sax_t {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(json::number_integer_t) override { return true; }
  bool number_unsigned(json::number_unsigned_t) override { return true; }
  bool number_float(json::number_float_t, const std::string&) override { return true; }
  bool string(std::string&) override { return true; }
  bool binary(json::binary_t&) override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override { return false; }

  bool start_object(std::size_t) override {
    constexpr std::size_t deepest = 3;
    if (names_.size() == deepest) fail_damaged_file("its head is nested too deeply");
    names_.emplace_back();
    return true;
  }
  bool end_object() override {
    names_.pop_back();
    return true;
  }
  bool key(std::string& name) override {
    if (!names_.back().insert(name).second) fail_damaged_file("'" + name + "' stands in its head twice");
    return true;
  }

 private:
  std::vector<std::unordered_set<std::string>> names_;
};

/// The object that a text is, without a name that comes twice.
json parse(std::string_view text) {
  // Apart from the parser: one that calls back visits all entries after each.
  NameCheck check;
  if (!json::sax_parse(text, &check)) fail_damaged_file("its head is no JSON object");
  json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) fail_damaged_file("its head is no JSON object");
  return object;
}

[[noreturn]] void fail_entry(const std::string& name, const std::string& what) {
  fail_damaged_file("'" + name + "' " + what);
}

std::uint64_t parse_unsigned(const std::string& name, const json& value) {
  if (!value.is_number_unsigned()) fail_entry(name, "has a shape or a place that is no number");
  return value.get<std::uint64_t>();
}

const json& field(const std::string& name, const json& info, const char* key) {
  if (!info.is_object() || !info.contains(key)) fail_entry(name, std::string("has no ") + key);
  return info[key];
}

c10::ScalarType parse_dtype(const std::string& name, const json& value) {
  if (!value.is_string()) fail_entry(name, "has a dtype that is no text");
  const std::string dtype = value.get<std::string>();
  for (const DTypeName& row : dtype_names) {
    if (row.name == dtype) return row.type;
  }
  fail(ft_dtype_mismatch, "'" + name + "' has dtype " + dtype + ", which has no torch_k... constant");
}

std::vector<std::int64_t> parse_shape(const std::string& name, const json& value) {
  if (!value.is_array()) fail_entry(name, "has a shape that is no list");
  std::vector<std::int64_t> shape;
  std::int64_t count = 1;
  for (const json& extent : value) {
    const std::uint64_t number = parse_unsigned(name, extent);
    if (number > INT64_MAX) fail_entry(name, "is too large");
    shape.push_back(static_cast<std::int64_t>(number));
    // Also of extents beside a zero: strides are products of them.
    if (number > 0 && __builtin_mul_overflow(count, shape.back(), &count)) fail_entry(name, "is too large");
  }
  return shape;
}

HeadEntry parse_entry(const std::string& name, const json& info) {
  HeadEntry entry{
      name, parse_dtype(name, field(name, info, "dtype")), parse_shape(name, field(name, info, "shape")), 0, 0, {}};
  const json& offsets = field(name, info, "data_offsets");
  if (!offsets.is_array() || offsets.size() != 2) fail_entry(name, "has no place of two numbers");
  entry.begin = parse_unsigned(name, offsets[0]);
  entry.end = parse_unsigned(name, offsets[1]);
  std::uint64_t bytes = c10::elementSize(entry.dtype);
  for (const std::int64_t extent : entry.shape) {
    if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes)) fail_entry(name, "is too large");
  }
  if (entry.end < entry.begin || entry.end - entry.begin != bytes)
    fail_entry(name, "has a place that is not as long as its elements");
  return entry;
}

/// Sorts the entries by their place; they must follow each other up to the end of the file, if there is one.
void check_places(std::vector<HeadEntry>& entries, std::optional<std::uint64_t> data_size) {
  std::stable_sort(entries.begin(), entries.end(), [](const HeadEntry& a, const HeadEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t end = 0;
  for (const HeadEntry& entry : entries) {
    if (entry.begin != end) fail_entry(entry.name, "does not stand where the one before it ends");
    end = entry.end;
  }
  if (data_size && end != *data_size)
    fail_damaged_file("it holds " + std::to_string(*data_size) + " bytes of data where its head tells of " +
                      std::to_string(end));
}

std::map<std::string, std::string> parse_texts(const json& object) {
  std::map<std::string, std::string> texts;
  if (!object.is_object()) fail_damaged_file("its __metadata__ is no object");
  for (const auto& [name, text] : object.items()) {
    if (!text.is_string()) fail_damaged_file("'" + name + "' in its __metadata__ is no text");
    texts.emplace(name, text.get<std::string>());
  }
  return texts;
}

/// Removes a text and returns it.
std::string taken(std::map<std::string, std::string>& texts, const char* key) {
  const auto node = texts.extract(key);
  if (!node) fail_damaged_file(std::string("its head has no ") + key);
  return node.mapped();
}

void check_format(const std::string& text) {
  int format = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), format);
  if (error != std::errc() || *end != '\0' || format < 1) fail_damaged_file("its format is '" + text + "'");
  if (format > newest_format)
    fail(ft_io_error, "a newer version of FTorch wrote the file, in format " + text +
                          "; this one reads formats up to " + std::to_string(newest_format));
}

/// Where the head has its own checksum.
std::size_t head_checksum_place(const std::string& text) {
  // No name or text can hold this: quotes in them are escaped.
  const std::string key = std::string("\"") + head_checksum_key + "\":\"";
  const std::size_t place = text.find(key);
  if (place == text.npos || text.size() - place < key.size() + checksum_digits)
    fail_damaged_file("its head has no checksum");
  return place + key.size();
}

std::uint32_t checksum_of(std::string text) {
  text.replace(head_checksum_place(text), checksum_digits, blank_checksum);
  return crc32(0, text.data(), text.size());
}

void parse_complex(const std::string& text, std::vector<HeadEntry>& entries) {
  const json names = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!names.is_array()) fail_damaged_file("its list of complex tensors is none");
  std::unordered_map<std::string_view, HeadEntry*> by_name;
  for (HeadEntry& entry : entries) by_name.emplace(entry.name, &entry);
  for (const json& name : names) {
    if (!name.is_string()) fail_damaged_file("its list of complex tensors is none");
    const auto found = by_name.find(name.get_ref<const std::string&>());
    // Who writes the file again may leave out tensors.
    if (found == by_name.end()) continue;
    HeadEntry& entry = *found->second;
    if (entry.dtype != c10::kDouble || entry.shape.empty() || entry.shape.back() != 2)
      fail_entry(entry.name, "stands in " + std::string(complex_key) + " and holds no pairs of F64");
    entry.is_viewed_as_complex = true;
  }
}

/// Reads what we added to the texts, and removes it.
void parse_additions(Head& head, const std::string& raw) {
  const auto is_there = [&](const char* key) { return head.texts.count(key) > 0; };
  if (std::none_of(std::begin(checking_keys), std::end(checking_keys), is_there)) {
    // Who writes the file again keeps this one alone.
    if (is_there(complex_key)) parse_complex(taken(head.texts, complex_key), head.entries);
    return;
  }
  // First, since a newer file may have other additions.
  check_format(taken(head.texts, format_key));
  if (checksum_of(raw) != parse_checksum(taken(head.texts, head_checksum_key)))
    fail_damaged_file("the checksum of its head is wrong");
  const std::string checksums = taken(head.texts, checksums_key);
  if (checksums.size() != head.entries.size() * checksum_digits) fail_damaged_file("checksums are missing");
  for (std::size_t i = 0; i < head.entries.size(); ++i)
    head.entries[i].checksum = parse_checksum(std::string_view(checksums).substr(i * checksum_digits, checksum_digits));
  parse_complex(taken(head.texts, complex_key), head.entries);
}

}  // namespace

void fail_damaged_file(const std::string& how) { fail(ft_io_error, "the file is cut short or damaged: " + how); }

bool is_safetensors(const InputFile& file) {
  std::string start(size_bytes + 1, '\0');
  if (file.size() < start.size()) return false;
  file.read(0, start.data(), start.size());
  return start.back() == '{' && parse_size(start) <= longest_head;
}

void check_free_name(const std::string& name) {
  if (name == texts_key || name.starts_with(added_start))
    fail(ft_invalid_argument, "the name '" + name + "' is reserved: " + texts_key + " and what begins with " +
                                  added_start + " are names of the file format");
}

bool is_json_text(const std::string& text) {
  try {
    return !json(text).dump().empty();
  } catch (const json::exception&) {
    return false;
  }
}

Head parse_head(const std::string& raw, std::optional<std::uint64_t> data_size) {
  Head head;
  head.data = raw.size();
  const json object = parse(std::string_view(raw).substr(size_bytes));
  for (const auto& [name, value] : object.items()) {
    if (name == texts_key) head.texts = parse_texts(value);
    else head.entries.push_back(parse_entry(name, value));
  }
  check_places(head.entries, data_size);
  parse_additions(head, raw);
  return head;
}

Head read_head(const InputFile& file) {
  if (!is_safetensors(file)) fail(ft_io_error, "it is no safetensors file, or cut short or damaged");
  std::string raw(size_bytes, '\0');
  file.read(0, raw.data(), raw.size());
  const std::uint64_t size = parse_size(raw);
  if (size > file.size() - size_bytes) fail_damaged_file("it ends within its head");
  raw.resize(size_bytes + size);
  file.read(size_bytes, raw.data() + size_bytes, size);
  return parse_head(raw, file.size() - raw.size());
}

std::vector<std::size_t> place_entries(Head& head) {
  std::vector<std::size_t> order(head.entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto element = [&](std::size_t i) { return c10::elementSize(head.entries[i].dtype); };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return element(a) > element(b); });
  std::uint64_t end = 0;
  for (const std::size_t i : order) {
    HeadEntry& entry = head.entries[i];
    entry.end = end + (entry.end - entry.begin);
    entry.begin = std::exchange(end, entry.end);
  }
  return order;
}

std::string head_text(const Head& head) {
  json object = json::object();
  std::vector<const HeadEntry*> in_file;
  json complex = json::array();
  for (const HeadEntry& entry : head.entries) {
    object[entry.name] = {
        {"dtype", name_of(entry.dtype)}, {"shape", entry.shape}, {"data_offsets", {entry.begin, entry.end}}};
    in_file.push_back(&entry);
    if (entry.is_viewed_as_complex) complex.push_back(entry.name);
  }
  std::sort(in_file.begin(), in_file.end(), [](const HeadEntry* a, const HeadEntry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  std::string checksums;
  for (const HeadEntry* const entry : in_file) checksums += checksum_text(*entry->checksum);
  json texts = head.texts;
  texts[format_key] = std::to_string(newest_format);
  texts[checksums_key] = checksums;
  texts[complex_key] = complex.dump();
  texts[head_checksum_key] = blank_checksum;
  object[texts_key] = texts;
  std::string text = object.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > longest_head)
    fail(ft_invalid_argument, "the names and texts are longer than safetensors files allow");
  text.insert(0, size_text(text.size()));
  return text.replace(head_checksum_place(text), checksum_digits, checksum_text(checksum_of(text)));
}

}  // namespace ftorch
