// SPDX-License-Identifier: MIT
// The search for regions that meet another one: groups of regions that are alike, each in the order of addresses.

#include "tensor/region_index.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <tuple>

namespace ftorch {
namespace {

int64_t address_of(const char* place) { return static_cast<int64_t>(reinterpret_cast<std::intptr_t>(place)); }

int bits_of(int64_t number) { return std::bit_width(static_cast<std::uint64_t>(number)); }

/// The period of which both combs' periods are multiples, or 0; 0 itself is a multiple of all.
int64_t common_period(int64_t a, int64_t b) {
  if (a == 0 || b == 0) return std::max(a, b);
  return a % b == 0 ? b : b % a == 0 ? a : 0;
}

}  // namespace

Comb comb_of(const Region& region) {
  const Range range = range_of(region);
  Comb comb{address_of(range.begin), address_of(range.end), 0, range.end - range.begin};
  c10::SmallVector<std::pair<int64_t, int64_t>, 8> dimensions;
  for (std::size_t i = 0; i < region.shape.size(); ++i) {
    const int64_t stride = std::abs(region.strides[i]);
    if (region.shape[i] > 1 && stride > 0) dimensions.emplace_back(stride, region.shape[i] - 1);
  }
  if (dimensions.empty() || comb.width == 0) return comb;
  std::sort(dimensions.begin(), dimensions.end());
  double fraction = 0.75;  // a comb with narrower gaps is worth nothing
  int64_t reach = region.size;
  for (std::size_t i = 0; i < dimensions.size(); ++i) {
    const int64_t stride = dimensions[i].first;
    const bool is_period = std::all_of(dimensions.begin() + i, dimensions.end(),
                                       [&](const auto& dimension) { return dimension.first % stride == 0; });
    const double filled = static_cast<double>(reach) / static_cast<double>(stride);
    if (is_period && filled < fraction) {
      fraction = filled;
      comb.period = stride;
      comb.width = reach;
    }
    reach += stride * dimensions[i].second;
  }
  return comb;
}

bool RegionIndex::ByBegin::operator()(const IndexedRegion* a, const IndexedRegion* b) const {
  return std::tuple(a->comb().begin, a) < std::tuple(b->comb().begin, b);
}

RegionIndex::Kind RegionIndex::kind_of(const Comb& comb) {
  return {comb.period, bits_of(comb.width), bits_of(comb.end - comb.begin)};
}

void RegionIndex::insert(IndexedRegion* region) { groups_[kind_of(region->comb())].insert(region); }

void RegionIndex::erase(IndexedRegion* region) {
  const auto group = groups_.find(kind_of(region->comb()));
  group->second.erase(region);
  if (group->second.empty()) groups_.erase(group);
}

void RegionIndex::search(const Kind& kind, const Group& group, const Region& region, const Comb& comb,
                         std::vector<IndexedRegion*>& found) {
  const int64_t longest = int64_t{1} << kind.length_bits;
  const int64_t widest = int64_t{1} << kind.width_bits;
  const int64_t period = common_period(kind.period, comb.period);
  const bool has_gaps = period > 0 && comb.width + widest < period;
  auto next = group.lower_bound(comb.begin - longest);
  while (next != group.end() && (*next)->comb().begin < comb.end) {
    if (has_gaps) {
      const int64_t phase = ((*next)->comb().begin - comb.begin) % period;
      const int64_t after = phase < 0 ? phase + period : phase;
      // Neither begins in the teeth of `comb` nor reaches the next one: on to the first that can.
      if (after >= comb.width && after < period - widest) {
        next = group.lower_bound((*next)->comb().begin + (period - widest - after));
        continue;
      }
    }
    if (overlap(region, (*next)->region())) found.push_back(*next);
    ++next;
  }
}

std::vector<IndexedRegion*> RegionIndex::meeting(const Region& region) const {
  std::vector<IndexedRegion*> found;
  const Comb comb = comb_of(region);
  if (comb.begin == comb.end) return found;
  for (const auto& [kind, group] : groups_) search(kind, group, region, comb, found);
  return found;
}

}  // namespace ftorch
