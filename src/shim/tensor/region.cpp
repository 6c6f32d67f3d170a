// SPDX-License-Identifier: MIT
// Whether two strided pieces of memory meet: a search for indices with one address.

#include "tensor/region.h"

#include <algorithm>

namespace ftorch {
namespace {

/// Multiples 0 to `most` of a positive stride.
struct Term {
  int64_t stride;
  int64_t most;
};

using Terms = c10::SmallVector<Term, 16>;

void add_terms(const Region& region, Terms& terms) {
  for (std::size_t i = 0; i < region.shape.size(); ++i) {
    const int64_t most = region.shape[i] - 1;
    const int64_t stride = std::abs(region.strides[i]);
    if (most == 0 || stride == 0) continue;
    const auto same = std::find_if(terms.begin(), terms.end(), [&](const Term& term) { return term.stride == stride; });
    if (same == terms.end()) terms.push_back({stride, most});
    else same->most += most;
  }
}

int64_t floor_of(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/// Searches for multiples whose sum lies strictly between two bounds, the largest stride first.
class Search {
 public:
  Search(Terms terms, int64_t below, int64_t above) : terms_(std::move(terms)), below_(below), above_(above) {
    std::sort(terms_.begin(), terms_.end(), [](const Term& a, const Term& b) { return a.stride > b.stride; });
  }

  bool finds(std::size_t first, int64_t sum) {
    if (first == terms_.size()) return below_ < sum && sum < above_;
    if (++steps_ > most_steps) return true;
    const auto [stride, most] = terms_[first];
    int64_t rest = 0;
    for (std::size_t i = first + 1; i < terms_.size(); ++i) rest += terms_[i].stride * terms_[i].most;
    const int64_t from = std::max<int64_t>(floor_of(below_ - rest - sum, stride) + 1, 0);
    const int64_t to = std::min(floor_of(above_ - 1 - sum, stride), most);
    for (int64_t multiple = from; multiple <= to; ++multiple) {
      if (finds(first + 1, sum + multiple * stride)) return true;
    }
    return false;
  }

 private:
  static constexpr int most_steps = 10000;
  Terms terms_;
  int64_t below_;
  int64_t above_;
  int steps_ = 0;
};

}  // namespace

ByteStrides byte_strides(const at::Tensor& tensor) {
  ByteStrides strides(tensor.strides().begin(), tensor.strides().end());
  for (int64_t& stride : strides) stride *= static_cast<int64_t>(tensor.itemsize());
  return strides;
}

Region region_of(const at::Tensor& tensor, const ByteStrides& strides) {
  return {static_cast<char*>(const_cast<void*>(tensor.const_data_ptr())), tensor.sizes(), strides,
          static_cast<int64_t>(tensor.itemsize())};
}

Range range_of(const Region& region) {
  Range range{region.data, region.data + region.size};
  for (std::size_t i = 0; i < region.shape.size(); ++i) {
    if (region.shape[i] == 0) return {region.data, region.data};
    const int64_t reach = (region.shape[i] - 1) * region.strides[i];
    (reach < 0 ? range.begin : range.end) += reach;
  }
  return range;
}

bool overlap(const Region& a, const Region& b) {
  const Range range_a = range_of(a);
  const Range range_b = range_of(b);
  if (!range_a.intersects(range_b)) return false;
  // Elements of `a` are counted up from its first, those of `b` down from its last.
  Terms terms;
  add_terms(a, terms);
  add_terms(b, terms);
  return Search(std::move(terms), -a.size, b.size).finds(0, range_a.begin - (range_b.end - b.size));
}

bool overlap(const at::Tensor& a, const at::Tensor& b) {
  const ByteStrides strides_a = byte_strides(a);
  const ByteStrides strides_b = byte_strides(b);
  return overlap(region_of(a, strides_a), region_of(b, strides_b));
}

bool is_one_memory(const at::Tensor& a, const at::Tensor& b) {
  return a.is_same(b) ||
         (a.layout() == at::kStrided && b.layout() == at::kStrided && a.device() == b.device() &&
          a.const_data_ptr() == b.const_data_ptr() && a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
          a.strides() == b.strides() && a.is_conj() == b.is_conj() && a.is_neg() == b.is_neg());
}

}  // namespace ftorch
