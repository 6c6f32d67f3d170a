// SPDX-License-Identifier: MIT
// Symbols are found where they stand alone, or in an expression that has one and is linear in it.

#include "model/exported/extents.h"

#include <algorithm>

#include "core/error.h"

namespace ftorch::exported {
namespace {

[[noreturn]] void fail_size(std::int64_t dimension, std::int64_t size, const std::string& wanted) {
  const std::string subject = dimension < 0 ? "the number" : "dimension " + std::to_string(dimension + 1);
  fail(ft_shape_mismatch, subject + " is " + std::to_string(size) + "; the model takes " + wanted);
}

/// The sizes that the range of a symbol leads to.
Range sizes_of(const Range& range, const Extent& extent) {
  const auto of = [&](std::int64_t value) -> std::optional<std::int64_t> {
    std::int64_t size = 0;
    const bool is_beyond = __builtin_mul_overflow(extent.factor, value, &size) ||
                           __builtin_add_overflow(size, extent.offset, &size);
    return is_beyond ? std::nullopt : std::optional(size);
  };
  return {of(range.least.value_or(0)), range.most ? of(*range.most) : std::nullopt};
}

/// "2 to 1024", "at least 3"
std::string range_text(const Range& range, const Extent& extent) {
  const Range sizes = sizes_of(range, extent);
  const std::string least = std::to_string(sizes.least.value_or(0));
  const std::string step = extent.factor == 1 ? "" : " in steps of " + std::to_string(extent.factor);
  return (sizes.most ? least + " to " + std::to_string(*sizes.most) : "at least " + least) + step;
}

bool has_one_symbol(const Extent& extent) {
  return !extent.symbols.empty() && std::all_of(extent.symbols.begin(), extent.symbols.end(),
                                                [&](std::uint32_t symbol) { return symbol == extent.symbols[0]; });
}

}  // namespace

Symbols::Symbols(const Program& program) : known_ranges_(program.ranges.begin(), program.ranges.end()) {
  // Programs that were made for two or more run with none and one as well: PyTorch allows it, since it always assumes two.
  constexpr std::int64_t assumed = 2;
  constexpr std::int64_t largest = std::int64_t{1} << 62;
  for (auto& [name, range] : known_ranges_) {
    if (range.least && *range.least <= assumed) range.least.reset();
    if (range.most && *range.most >= largest) range.most.reset();
  }
}

std::uint32_t Symbols::number_of(std::string_view name) {
  const auto found = std::find_if(symbols_.begin(), symbols_.end(),
                                  [&](const Symbol& symbol) { return symbol.name == name; });
  if (found != symbols_.end()) return static_cast<std::uint32_t>(found - symbols_.begin());
  const auto range = known_ranges_.find(std::string(name));
  symbols_.push_back({std::string(name), range == known_ranges_.end() ? Range{} : range->second, {}});
  return static_cast<std::uint32_t>(symbols_.size() - 1);
}

Extent Symbols::expression(const Size& size) {
  Extent extent;
  extent.fixed = size.value;
  if (size.expression.empty()) return extent;
  extent.expression.emplace(size.expression, [&](std::string_view name) {
    extent.symbols.push_back(number_of(name));
    return std::optional(extent.symbols.back());
  });
  return extent;
}

std::int64_t Symbols::value(const Extent& extent, const Variables& symbols) {
  return extent.expression ? extent.expression->evaluate(symbols.data()).integer : extent.fixed;
}

Extent Symbols::extent(const Size& size, const std::string& place) {
  Extent extent = expression(size);
  if (extent.symbols.empty()) return extent;
  const std::uint32_t first = extent.symbols[0];
  if (!has_one_symbol(extent) || !symbols_[first].place.empty()) return extent;
  solve(extent, first);
  if (!extent.symbol) return extent;
  symbols_[first].place = place;
  symbols_[first].factor = extent.factor;
  symbols_[first].offset = extent.offset;
  return extent;
}

void Symbols::relate(Extent& extent) {
  extent.is_checked = extent.expression && !extent.symbol &&
                      std::none_of(extent.symbols.begin(), extent.symbols.end(),
                                   [&](std::uint32_t symbol) { return symbols_[symbol].place.empty(); });
  has_relations_ |= extent.is_checked;
}

void Symbols::solve(Extent& extent, std::uint32_t symbol) const {
  const auto at = [&](std::int64_t value) {
    Variables symbols = unknown();
    symbols[symbol] = value;
    return extent.expression->evaluate(symbols.data());
  };
  if (!extent.expression->variable()) {
    constexpr std::int64_t some = 1000;
    const Number values[] = {at(some), at(some + 1), at(some + 2)};
    if (values[0].is_real || values[1].is_real || values[2].is_real) return;
    extent.factor = values[1].integer - values[0].integer;
    extent.offset = values[0].integer - some * extent.factor;
    if (extent.factor <= 0 || values[2].integer - values[1].integer != extent.factor) return;
  }
  extent.symbol = symbol;
}

Range Symbols::range(Extent extent) const {
  if (!extent.expression) return {extent.fixed, extent.fixed};
  if (extent.symbols.empty()) {
    const std::int64_t size = extent.expression->evaluate(unknown().data()).integer;
    return {size, size};
  }
  if (!extent.symbol && has_one_symbol(extent)) solve(extent, extent.symbols[0]);
  if (!extent.symbol) return {};
  Range sizes = sizes_of(symbols_[*extent.symbol].range, extent);
  sizes.least = std::max<std::int64_t>(sizes.least.value_or(0), 0);
  return sizes;
}

void Symbols::find(const Extent& extent, std::int64_t size, std::int64_t dimension, Variables& symbols) const {
  if (!extent.expression && size != extent.fixed) fail_size(dimension, size, std::to_string(extent.fixed));
  if (!extent.symbol) return;
  const Range& range = symbols_[*extent.symbol].range;
  const std::int64_t value = (size - extent.offset) / extent.factor;
  const bool is_within = (!range.least || value >= *range.least) && (!range.most || value <= *range.most);
  if (extent.factor * value + extent.offset != size || !is_within)
    fail_size(dimension, size, range_text(range, extent));
  symbols[*extent.symbol] = value;
}

void Symbols::check(const Extent& extent, std::int64_t size, std::int64_t dimension, const Variables& symbols) const {
  if (!extent.is_checked) return;
  const Number wanted = extent.expression->evaluate(symbols.data());
  if (wanted == Number(size)) return;
  std::string reason;
  for (const std::uint32_t symbol : extent.symbols) {
    const Symbol& other = symbols_[symbol];
    const std::string clause = other.place + " is " +
                               std::to_string(other.factor * symbols[symbol].integer + other.offset);
    if (reason.find(clause) == reason.npos) reason += (reason.empty() ? ", since " : " and ") + clause;
  }
  fail_size(dimension, size, std::to_string(wanted.integer) + reason);
}

}  // namespace ftorch::exported
