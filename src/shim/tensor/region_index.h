// SPDX-License-Identifier: MIT
// Regions in an order that finds those which meet another one without a look at all of them.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "tensor/region.h"

namespace ftorch {

/// Where the bytes of a region can be: at addresses from `begin` to before `end`, and there only in the first `width` of
/// each `period`, counted from `begin`. A period of 0: no gaps are known.
struct Comb {
  int64_t begin;
  int64_t end;
  int64_t period;
  int64_t width;
};

/// The comb with the widest gaps in proportion.
Comb comb_of(const Region& region);

/// A region with memory of its own for shape and strides, and its place in an index.
class IndexedRegion {
 public:
  explicit IndexedRegion(const Region& region)
      : data_(region.data),
        shape_(region.shape.begin(), region.shape.end()),
        strides_(region.strides.begin(), region.strides.end()),
        size_(region.size),
        comb_(comb_of(region)) {}
  Region region() const { return {data_, shape_, strides_, size_}; }
  const Comb& comb() const { return comb_; }

 private:
  char* data_;
  ByteStrides shape_;
  ByteStrides strides_;
  int64_t size_;
  Comb comb_;
};

/// Regions that meet a given one are found in O(log n) and what those that meet take; where the gaps of the two are of
/// different kinds, in no more steps than the given region has elements.
class RegionIndex {
 public:
  void insert(IndexedRegion* region);
  void erase(IndexedRegion* region);
  std::vector<IndexedRegion*> meeting(const Region& region) const;

 private:
  /// Combs of one period whose widths and lengths are alike up to a factor of 2.
  struct Kind {
    int64_t period;
    int width_bits;
    int length_bits;
    auto operator<=>(const Kind&) const = default;
  };
  struct ByBegin {
    using is_transparent = void;
    bool operator()(const IndexedRegion* a, const IndexedRegion* b) const;
    bool operator()(const IndexedRegion* a, int64_t b) const { return a->comb().begin < b; }
    bool operator()(int64_t a, const IndexedRegion* b) const { return a < b->comb().begin; }
  };
  using Group = std::set<IndexedRegion*, ByBegin>;

  static Kind kind_of(const Comb& comb);
  static void search(const Kind& kind, const Group& group, const Region& region, const Comb& comb,
                     std::vector<IndexedRegion*>& found);

  std::map<Kind, Group> groups_;
};

}  // namespace ftorch
