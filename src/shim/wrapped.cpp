// SPDX-License-Identifier: MIT
// The register of wrapped memory, and what happens to graphs that hold memory which is about to change.

#include "wrapped.h"

#include <map>
#include <mutex>
#include <optional>

#include "device.h"

namespace ftorch {
namespace {

bool is_value_attached(const Tensor& target) { return target.value.is_same(target.attached); }

/// A second tensor over the memory: no flag, gradient or version of the first stays.
void wrap_afresh(Tensor& target) {
  const at::Tensor& old = target.attached;
  at::Tensor fresh = wrapped_memory(old.mutable_data_ptr(), old.sizes(), old.strides(), old.options());
  if (is_value_attached(target)) target.value = fresh;
  target.attached = std::move(fresh);
}

bool is_held(const Tensor& owner) { return is_shared(owner.attached, is_value_attached(owner) ? 2 : 1); }

/// Those who hold the memory besides `owner` get a copy of it as it is now.
void privatise(Tensor& owner) {
  c10::StorageImpl& storage = *owner.attached.storage().unsafeGetStorageImpl();
  at::DataPtr kept = copied_memory(storage);
  wrap_afresh(owner);
  storage.set_data_ptr_noswap(std::move(kept));
}

/// What became of a tensor that was released while a graph held its memory.
struct Orphan {
  c10::weak_intrusive_ptr<c10::StorageImpl> storage;
  c10::VariableVersion version;
  c10::SmallVector<int64_t, 8> shape;
  ByteStrides strides;
  int64_t size;
};

struct Entry {
  const char* end;
  Tensor* owner;
  std::optional<Orphan> orphan;
};

/// Never destroyed: tensors may be released after the end of the program's static objects.
class Register {
 public:
  void enter(Tensor& tensor) {
    const Range range = range_of(region_of(tensor.attached, byte_strides(tensor.attached)));
    const std::lock_guard lock(mutex_);
    if (entries_.size() >= next_sweep_) sweep();
    longest_ = std::max(longest_, range.end - range.begin);
    entries_.emplace(range.begin, Entry{range.end, &tensor, std::nullopt});
  }

  void leave(Tensor& tensor) {
    const at::Tensor& attached = tensor.attached;
    const ByteStrides strides = byte_strides(attached);
    const std::lock_guard lock(mutex_);
    auto [entry, last] = entries_.equal_range(range_of(region_of(attached, strides)).begin);
    while (entry != last && entry->second.owner != &tensor) ++entry;
    if (entry == last) return;
    if (!is_held(tensor)) {
      entries_.erase(entry);
      return;
    }
    entry->second.owner = nullptr;
    entry->second.orphan.emplace(Orphan{attached.storage().getWeakStorageImpl(),
                                        attached.unsafeGetTensorImpl()->version_counter(),
                                        {attached.sizes().begin(), attached.sizes().end()},
                                        strides,
                                        static_cast<int64_t>(attached.itemsize())});
  }

  /// `writer`, if it is a tensor of the register, changes in place.
  void prepare_write(const Region& region, const Tensor* target, const at::Tensor& writer) {
    const Range range = range_of(region);
    const std::lock_guard lock(mutex_);
    for (auto entry = entries_.lower_bound(range.begin - longest_);
         entry != entries_.end() && entry->first < range.end;) {
      auto& [end, owner, orphan] = entry->second;
      if (orphan && orphan->storage.expired()) {
        entry = entries_.erase(entry);
        continue;
      }
      if (range.meets({entry->first, end})) {
        if (orphan) spoil(region, entry->first, *orphan);
        else if (!owner->value.is_same(writer)) prepare_owner(region, *owner, owner == target);
      }
      ++entry;
    }
  }

 private:
  static void spoil(const Region& region, const char* begin, Orphan& orphan) {
    if (overlap(region, {begin, orphan.shape, orphan.strides, orphan.size})) orphan.version.bump();
  }

  static void prepare_owner(const Region& region, Tensor& owner, bool is_target) {
    if (!is_held(owner)) return;
    if (is_target) return privatise(owner);
    if (!overlap(region, region_of(owner.attached, byte_strides(owner.attached)))) return;
    // A leaf's gradient arrives at this very tensor, so that it cannot be wrapped afresh.
    if (owner.attached.requires_grad()) owner.attached.unsafeGetTensorImpl()->bump_version();
    else privatise(owner);
  }

  /// Forgets orphans whose graphs are gone.
  void sweep() {
    std::erase_if(entries_, [](const auto& item) { return item.second.orphan && item.second.orphan->storage.expired(); });
    next_sweep_ = std::max<std::size_t>(1024, 2 * entries_.size());
  }

  std::mutex mutex_;
  std::multimap<const char*, Entry> entries_;
  std::ptrdiff_t longest_ = 0;
  std::size_t next_sweep_ = 1024;
};

Register& wrapped() {
  static Register& instance = *new Register;
  return instance;
}

}  // namespace

void enter_wrapped(Tensor& tensor) { wrapped().enter(tensor); }

void leave_wrapped(Tensor& tensor) { wrapped().leave(tensor); }

void prepare_write(Tensor& target) {
  wrapped().prepare_write(region_of(target.attached, byte_strides(target.attached)), &target, {});
  if (target.attached.requires_grad()) wrap_afresh(target);
}

void prepare_write_in_place(const at::Tensor& value) {
  wrapped().prepare_write(region_of(value, byte_strides(value)), nullptr, value);
}

void prepare_write(const Region& region) { wrapped().prepare_write(region, nullptr, {}); }

}  // namespace ftorch
