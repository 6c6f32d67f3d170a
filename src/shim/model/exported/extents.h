// SPDX-License-Identifier: MIT
// Sizes of dimensions: fixed ones, symbols, and expressions of symbols.
#pragma once

#include <c10/util/SmallVector.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/exported/expression.h"
#include "model/exported/schema.h"

namespace ftorch::exported {

using Variables = c10::SmallVector<Number, 16>;

/// What a size must be.
struct Extent {
  /// If there is no expression.
  std::int64_t fixed = 0;
  std::optional<Expression> expression;
  /// The symbol that is found here: the size is factor * symbol + offset.
  std::optional<std::uint32_t> symbol;
  std::int64_t factor = 1;
  std::int64_t offset = 0;
  /// All that are in it.
  std::vector<std::uint32_t> symbols;
  bool is_checked = false;
};

class Symbols {
 public:
  Symbols() = default;
  explicit Symbols(const Program& program);

  /// Of a size; `place` says where it is, "dimension 1 of x".
  Extent extent(const Size& size, const std::string& place);
  /// Of a number that no symbol is found in, such as a stride.
  Extent expression(const Size& size);
  /// The number of such an extent.
  static std::int64_t value(const Extent& extent, const Variables& symbols);
  /// To be called when all extents are made: what can be compared with symbols that were found elsewhere is.
  void relate(Extent& extent);

  Variables unknown() const { return Variables(symbols_.size(), Number(0)); }
  /// A number instead of a dimension, which count from 0.
  static constexpr std::int64_t no_dimension = -1;
  /// Finds the symbol that an extent has. Fails unless the size is in its range.
  void find(const Extent& extent, std::int64_t size, std::int64_t dimension, Variables& symbols) const;
  /// Fails unless the size is that of the symbols that were found.
  void check(const Extent& extent, std::int64_t size, std::int64_t dimension, const Variables& symbols) const;
  /// The sizes that an extent may have, as far as its symbols tell; other conditions may leave fewer.
  Range range(Extent extent) const;
  bool has_relations() const { return has_relations_; }

 private:
  std::uint32_t number_of(std::string_view name);
  void solve(Extent& extent, std::uint32_t symbol) const;

  struct Symbol {
    std::string name;
    Range range;
    /// Where it is found, and how; empty for one that is not.
    std::string place;
    std::int64_t factor = 1;
    std::int64_t offset = 0;
  };

  std::vector<Symbol> symbols_;
  std::unordered_map<std::string, Range> known_ranges_;
  bool has_relations_ = false;
};

}  // namespace ftorch::exported
