// SPDX-License-Identifier: MIT
// What an optimizer accepts: numbers in their ranges, and parameters that can be trained together.

#include <algorithm>
#include <cmath>
#include <sstream>

#include "tensor/region.h"
#include "training/optim.h"

namespace ftorch {
namespace {

std::string number_text(double number) {
  std::ostringstream text;
  text << number;
  return std::move(text).str();
}

/// True when two elements are one memory; also for a few contrived strides without such a pair.
bool shares_elements(const at::Tensor& tensor) {
  std::vector<std::pair<int64_t, int64_t>> dimensions;
  for (int64_t i = 0; i < tensor.dim(); ++i) {
    if (tensor.size(i) == 0) return false;
    if (tensor.size(i) > 1) dimensions.emplace_back(tensor.stride(i), tensor.size(i));
  }
  std::sort(dimensions.begin(), dimensions.end());
  int64_t reach = 0;
  for (const auto& [stride, extent] : dimensions) {
    if (stride <= reach) return true;
    reach += (extent - 1) * stride;
  }
  return false;
}

/// What keeps a tensor from being trained, or null.
const char* obstacle(const at::Tensor& tensor) {
  if (!tensor.requires_grad()) return " was made without requires_grad";
  if (!tensor.is_leaf()) return " is no leaf but the result of an operation; train a tensor made with requires_grad";
  if (tensor.layout() != at::kStrided) return " is sparse";
  if (tensor.is_conj() || tensor.is_neg()) return " is a lazy conjugate";
  if (shares_elements(tensor)) return " has elements that share memory";
  return nullptr;
}

struct Piece {
  std::size_t index;
  Region region;
  Range range;
};

}  // namespace

std::string parameter_name(std::size_t index) { return "parameters(" + std::to_string(index + 1) + ")"; }

void check_hyperparameters(const OptimizerRow& row, const std::vector<double>& values) {
  if (values.size() != row.hyperparameters.size())
    fail(ft_invalid_argument, std::to_string(values.size()) + " hyperparameters were given, " +
                                  std::to_string(row.hyperparameters.size()) + " are needed");
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& [name, upper_bound] = row.hyperparameters[i];
    if (values[i] >= 0 && values[i] < upper_bound) continue;
    const std::string bound = std::isinf(upper_bound) ? "" : " and below " + number_text(upper_bound);
    fail(ft_invalid_argument,
         std::string(name) + " is " + number_text(values[i]) + "; it must be a number of at least 0" + bound);
  }
  if (const char* rule = row.broken_rule(values.data())) fail(ft_invalid_argument, rule);
}

void check_parameters(const std::vector<GivenParameter>& parameters) {
  if (parameters.empty()) fail(ft_invalid_argument, "there are no parameters");
  for (auto one = parameters.begin(); one != parameters.end(); ++one) {
    const std::string name = parameter_name(static_cast<std::size_t>(one - parameters.begin()));
    if (const char* const what = obstacle(one->leaf)) fail(ft_invalid_argument, name + what);
    const auto is_same = [&](const GivenParameter& other) { return other.leaf.is_same(one->leaf); };
    if (std::any_of(parameters.begin(), one, is_same)) fail(ft_invalid_argument, name + " was given before");
  }
}

/// A walk over the addresses.
void check_disjoint(const std::vector<at::Tensor>& memories) {
  std::vector<ByteStrides> strides(memories.size());
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < memories.size(); ++i) {
    strides[i] = byte_strides(memories[i]);
    const Region region = region_of(memories[i], strides[i]);
    pieces.push_back({i, region, range_of(region)});
  }
  std::stable_sort(pieces.begin(), pieces.end(),
                   [](const Piece& a, const Piece& b) { return a.range.begin < b.range.begin; });
  std::vector<Piece> before;
  for (const Piece& piece : pieces) {
    std::erase_if(before, [&](const Piece& other) { return other.range.end <= piece.range.begin; });
    for (const Piece& other : before) {
      if (memories[other.index].device() != memories[piece.index].device()) continue;
      if (!overlap(other.region, piece.region)) continue;
      const auto [first, second] = std::minmax(other.index, piece.index);
      fail(ft_invalid_argument, parameter_name(second) + " has memory in common with " + parameter_name(first));
    }
    before.push_back(piece);
  }
}

}  // namespace ftorch
