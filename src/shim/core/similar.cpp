// SPDX-License-Identifier: MIT
// Names that a caller may have meant, by Levenshtein's distance.

#include "core/similar.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace ftorch {
namespace {

constexpr std::size_t listed = 8;

/// The least number of characters that are put in, left out or replaced between two texts.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string most_similar(std::string_view name, std::vector<std::string> names) {
  if (names.empty()) return "none";
  std::vector<std::pair<std::size_t, std::string>> sorted;
  for (std::string& one : names) sorted.emplace_back(distance(name, one), std::move(one));
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string text;
  for (std::size_t i = 0; i < std::min(listed, sorted.size()); ++i) text += (i == 0 ? "" : ", ") + sorted[i].second;
  if (sorted.size() > listed) text += " and " + std::to_string(sorted.size() - listed) + " more";
  return text;
}

}  // namespace ftorch
