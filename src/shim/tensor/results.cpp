// SPDX-License-Identifier: MIT
// Several results of one call: each is checked before any is written.

#include "tensor/results.h"

#include <ATen/ops/zeros_like.h>

#include <utility>

#include "tensor/region.h"
#include "tensor/release.h"

namespace ftorch {
namespace {

/// The memory that a result is written to, null if it brings its own.
const at::Tensor* memory_of(const Tensor* target) {
  if (!target) return nullptr;
  if (target->attached.defined()) return &target->attached;
  return writes_in_place(*target, {}) ? &target->value : nullptr;
}

/// The new tensors of a call, which end with it unless all of it succeeds.
class NewTensors {
 public:
  explicit NewTensors(std::size_t size) : handles_(size, nullptr) {}
  ~NewTensors() {
    for (const ft_handle handle : handles_) release_tensor(this_thread(), handle);
  }
  NewTensors(const NewTensors&) = delete;
  NewTensors& operator=(const NewTensors&) = delete;
  void make(std::size_t i, at::Tensor value) { handles_[i] = new_temporary(std::move(value)); }
  ft_handle take(std::size_t i) { return std::exchange(handles_[i], nullptr); }

 private:
  std::vector<ft_handle> handles_;
};

}  // namespace

bool names_memory(const Tensor& tensor) { return tensor.attached.defined() || tensor.parameter; }

std::vector<Tensor*> find_targets(ResultNames names, const ft_handle* targets, int64_t size) {
  if (size > 0) required(targets, names.subject(0));
  std::vector<Tensor*> found(static_cast<std::size_t>(size), nullptr);
  for (int64_t i = 0; i < size; ++i) {
    const auto place = static_cast<std::size_t>(i);
    Context context(names.subject(place), names.index(place));
    if (targets[i]) found[place] = &tensor(targets[i], "the tensor");
  }
  return found;
}

void check_apart(ResultNames names, at::ArrayRef<Tensor*> targets) {
  if (targets.size() < 2) return;
  std::vector<Range> ranges;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const at::Tensor* const memory = memory_of(targets[i]);
    ranges.push_back(memory ? range_of(region_of(*memory, byte_strides(*memory))) : Range{});
    for (std::size_t j = 0; j < i; ++j) {
      const bool may_meet = ranges[i].intersects(ranges[j]);
      const bool is_one = targets[i] && targets[i] == targets[j];
      if (!is_one && !(may_meet && overlap(*memory, *memory_of(targets[j])))) continue;
      Context context(names.subject(i), names.index(i));
      fail(ft_invalid_argument, "the tensor shares its memory with " + names.text(j) + "; each result needs its own");
    }
  }
}

at::Tensor own_value(at::Tensor value) {
  if (value.layout() != at::kStrided) return value.to_dense();
  if (is_expanded(value)) return value.clone(at::MemoryFormat::Contiguous);
  return is_shared(value, 1) ? value.clone() : value;
}

void write_results(ResultNames names, ft_handle* targets, Values values) {
  const std::vector<Tensor*> found = find_targets(names, targets, static_cast<int64_t>(values.size()));
  check_apart(names, found);
  std::vector<PendingWrite> writes;
  writes.reserve(values.size());
  NewTensors made(values.size());
  std::vector<bool> is_emptied(values.size(), false);
  for (std::size_t i = 0; i < values.size(); ++i) {
    Context context(names.subject(i), names.index(i));
    if (found[i] && !values[i].defined() && names_memory(*found[i])) values[i] = at::zeros_like(found[i]->value);
    is_emptied[i] = !values[i].defined();
    if (is_emptied[i]) continue;
    if (found[i]) writes.emplace_back(*found[i], std::move(values[i]), Write::result);
    else made.make(i, std::move(values[i]));
  }
  for (PendingWrite& write : writes) write.prepare();
  for (PendingWrite& write : writes) write.commit();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (is_emptied[i]) release_tensor(this_thread(), std::exchange(targets[i], nullptr));
    else targets[i] = found[i] ? tensors.renew(targets[i]) : made.take(i);
  }
}

}  // namespace ftorch
