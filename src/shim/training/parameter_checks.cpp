// SPDX-License-Identifier: MIT
// What can be trained, and what can be trained together.

#include <algorithm>
#include <unordered_set>

#include "tensor/region.h"
#include "training/parameter.h"

namespace ftorch {
namespace {

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

/// The array behind a parameter, or else its own memory.
at::Tensor memory_of(const Parameter& parameter) {
  const Tensor* const found = tensors.find(parameter.given.tensor);
  return found && found->attached.defined() ? found->attached : parameter.given.leaf;
}

struct Piece {
  std::size_t index;
  Region region;
  Range range;
};

}  // namespace

std::string parameter_name(std::size_t index) { return "parameters(" + std::to_string(index + 1) + ")"; }

std::vector<Parameter> parameters_of(const ft_handle* handles, int64_t size) {
  std::vector<Parameter> parameters;
  for_each_tensor("parameters", handles, size, [&](const Tensor& tensor, std::size_t i) {
    const at::Tensor& array = tensor.attached;
    const bool copies_array = array.defined() && array.device().is_cpu() && !array.is_same(tensor.value);
    if (const char* const what = obstacle(tensor.value)) fail(ft_invalid_argument, parameter_name(i) + what);
    Parameter& parameter = parameters.emplace_back(
        GivenParameter{tensor.value, tensors.identity(handles[i]), array.defined(), copies_array});
    parameter.name = parameter_name(i);
  });
  if (parameters.empty()) fail(ft_invalid_argument, "there are no parameters");
  return parameters;
}

void check_distinct(const std::vector<const Parameter*>& parameters) {
  std::unordered_set<const at::TensorImpl*> leaves;
  for (const Parameter* parameter : parameters) {
    if (!leaves.insert(parameter->given.leaf.unsafeGetTensorImpl()).second)
      fail(ft_invalid_argument, parameter->name + " was given before");
  }
}

/// A walk over the addresses.
void check_disjoint(const std::vector<const Parameter*>& parameters) {
  std::vector<at::Tensor> memories;
  for (const Parameter* parameter : parameters) memories.push_back(memory_of(*parameter));
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
      fail(ft_invalid_argument, parameters[second]->name + " has memory in common with " + parameters[first]->name);
    }
    before.push_back(piece);
  }
}

}  // namespace ftorch
