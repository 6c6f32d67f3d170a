// SPDX-License-Identifier: MIT
// Guards are Python's conditions on `L['x'].size()[0]` and the like.

#include "model/exported/guards.h"

#include <algorithm>
#include <charconv>

#include "core/error.h"
#include "core/text.h"
#include "model/argument_names.h"

namespace ftorch::exported {
namespace {

/// The number in `[2]`, and nothing else.
std::optional<std::int64_t> bracketed(std::string_view text) {
  std::int64_t number = 0;
  if (text.size() < 3 || text.front() != '[' || text.back() != ']') return {};
  const auto [end, error] = std::from_chars(text.data() + 1, text.data() + text.size() - 1, number);
  return error == std::errc() && end == text.data() + text.size() - 1 && number >= 0 ? std::optional(number)
                                                                                     : std::nullopt;
}

}  // namespace

Guards::Guards(const Program& program, const std::vector<std::string>& names, const std::vector<std::string>& places) {
  for (const std::string& text : program.guards) {
    const Context context("a condition of the program");
    Expression expression(text, [&](std::string_view name) { return source(name, names, places); });
    std::string shown = text;
    for (const Source& source : sources_) {
      const std::string& name = source.text;
      // Told as the user counts dimensions.
      const std::string told = source.kind == Source::Kind::size
                                   ? "dimension " + std::to_string(source.dimension + 1) + " of " + names[source.input]
                                   : names[source.input];
      for (std::size_t at = shown.find(name); at != shown.npos; at = shown.find(name, at + told.size()))
        shown.replace(at, name.size(), told);
    }
    guards_.push_back({std::move(expression), std::move(shown)});
  }
}

std::optional<std::uint32_t> Guards::source(std::string_view text, const std::vector<std::string>& names,
                                            const std::vector<std::string>& places) {
  for (std::uint32_t i = 0; i < sources_.size(); ++i) {
    if (sources_[i].text == text) return i;
  }
  const std::size_t end = std::min(text.find('.'), text.size());
  const auto place = std::find(places.begin(), places.end(), text.substr(0, end));
  if (place == places.end()) return {};
  Source source{static_cast<std::size_t>(place - places.begin()), Source::Kind::number, 0, std::string(text)};
  const std::string_view reads = text.substr(end);
  for (const auto& [start, kind] : {std::pair<std::string_view, Source::Kind>{".size()", Source::Kind::size},
                                    {".stride()", Source::Kind::stride}}) {
    if (!reads.starts_with(start)) continue;
    const auto dimension = bracketed(reads.substr(start.size()));
    if (!dimension) return {};
    source.kind = kind;
    source.dimension = *dimension;
  }
  if (reads == ".storage_offset()") source.kind = Source::Kind::offset;
  if (source.kind == Source::Kind::number && !reads.empty()) return {};
  if (source.input >= names.size()) return {};
  sources_.push_back(std::move(source));
  return static_cast<std::uint32_t>(sources_.size() - 1);
}

Number Guards::read(const Source& source, const at::Tensor& tensor) {
  const bool is_of_dimension = source.kind == Source::Kind::size || source.kind == Source::Kind::stride;
  if (is_of_dimension && source.dimension >= tensor.dim()) fail(ft_model_error, "a condition names no dimension of it");
  switch (source.kind) {
    case Source::Kind::size: return tensor.size(source.dimension);
    case Source::Kind::stride: return tensor.stride(source.dimension);
    case Source::Kind::offset: return tensor.storage_offset();
    default: return Number(c10::IValue(tensor.item()));
  }
}

void Guards::fail_guard(const Guard& guard, const Variables& values) const {
  std::string text = std::string(argument_names.inputs) + ": the model was made for sizes with " + guard.text;
  std::string got;
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const bool is_size = sources_[i].kind == Source::Kind::size;
    const std::string told = "dimension " + std::to_string(sources_[i].dimension + 1);
    if (is_size && guard.text.find(told) != guard.text.npos)
      got += (got.empty() ? "; " : ", ") + told + " is " + std::to_string(values[i].integer);
  }
  fail(ft_shape_mismatch, text + got);
}

void Guards::check(at::TensorList given) const {
  if (guards_.empty()) return;
  Variables values;
  for (const Source& source : sources_) values.push_back(read(source, given[source.input]));
  for (const Guard& guard : guards_) {
    if (!guard.expression.evaluate(values.data()).as_truth()) fail_guard(guard, values);
  }
}

}  // namespace ftorch::exported
