// SPDX-License-Identifier: MIT
// The register of memory that is wrapped and held, and what happens to graphs that hold memory which is about to change.

#include "tensor/alias_registry.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <mutex>
#include <numeric>

#include "core/lookup.h"
#include "tensor/autocast.h"
#include "tensor/device.h"
#include "tensor/direct_write.h"
#include "tensor/elements.h"
#include "tensor/region_index.h"

namespace ftorch {

/// A leaf whose memory somebody holds, with a copy of where that is: no other thread's tensor is looked at unless the
/// memory truly meets.
struct Entry : IndexedRegion {
  Entry(const Region& region, Tensor& tensor) : IndexedRegion(region), owner(tensor) {}
  Tensor& owner;
};

namespace {

using ElementStrides = c10::SmallVector<int64_t, 8>;

bool is_value_attached(const Tensor& target) { return target.value.is_same(target.attached); }

/// A second tensor over the memory: no flag, gradient or version of the first stays.
void rewrap(Tensor& target) {
  const at::Tensor& old = target.attached;
  at::Tensor fresh = from_external_memory(old.mutable_data_ptr(), old.sizes(), old.strides(), old.options());
  if (is_value_attached(target)) target.value = fresh;
  target.attached = std::move(fresh);
}

bool has_other_holders(const Tensor& owner) { return is_shared(owner.attached, is_value_attached(owner) ? 2 : 1); }

/// Strides of memory without gaps in which the dimensions follow each other as they do in `tensor`.
ElementStrides dense_strides(const at::Tensor& tensor) {
  c10::SmallVector<int64_t, 8> order(static_cast<std::size_t>(tensor.dim()));
  std::iota(order.begin(), order.end(), 0);
  sort_stably(order.begin(), order.end(), [&](int64_t a, int64_t b) { return tensor.stride(a) < tensor.stride(b); });
  ElementStrides strides(order.size());
  int64_t next = 1;
  for (const int64_t dimension : order) {
    strides[static_cast<std::size_t>(dimension)] = next;
    next *= std::max<int64_t>(tensor.size(dimension), 1);
  }
  return strides;
}

bool is_dense(const at::Tensor& tensor, const ElementStrides& dense) {
  return tensor.strides() == at::IntArrayRef(dense);
}

/// Memory that lasts as long as somebody holds it.
at::DataPtr shared(const std::shared_ptr<const CopiedMemory>& copy) {
  using Holder = std::shared_ptr<const CopiedMemory>;
  return {copy->data.get(), new Holder(copy), [](void* holder) { delete static_cast<Holder*>(holder); },
          copy->data.device()};
}

/// A copy of the elements, or the last one that was made for the owner if a graph still has it and the numbers are the
/// same: a loop with a matrix that does not change keeps one.
std::shared_ptr<const CopiedMemory> copy_for(Tensor& owner, const at::Tensor& wrapped, const ElementStrides& dense) {
  // Threads may give one tensor to graphs.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const auto last = wrapped.is_cpu() ? owner.last_copy.lock() : nullptr;
  const auto is_last = [&](const void* data) { return std::memcmp(last->data.get(), data, last->bytes) == 0; };
  if (last && is_dense(wrapped, dense) && is_last(wrapped.const_data_ptr())) return last;
  auto copy = std::make_shared<const CopiedMemory>(copied_memory(wrapped, dense));
  if (last && !is_dense(wrapped, dense) && is_last(copy->data.get())) return last;
  owner.last_copy = copy;
  return copy;
}

/// Whoever holds `wrapped`, once the owner's, gets a copy of its elements as they are now, without what lies between them
/// unless there are views, whose strides must stay right.
void move_to_copy(Tensor& owner, const at::Tensor& wrapped) {
  c10::StorageImpl& storage = *wrapped.storage().unsafeGetStorageImpl();
  const ElementStrides dense = dense_strides(wrapped);
  const bool has_views = wrapped.storage().use_count() > 1;
  if (has_views && !is_dense(wrapped, dense)) {
    storage.set_data_ptr_noswap(copied_memory(wrapped, {wrapped.strides().begin(), wrapped.strides().end()}).data);
    return;
  }
  const auto copy = copy_for(owner, wrapped, dense);
  storage.set_data_ptr_noswap(shared(copy));
  storage.set_nbytes(copy->bytes);
  wrapped.unsafeGetTensorImpl()->set_sizes_and_strides(wrapped.sizes(), dense);
}

/// The old holders get a copy, and `owner` stays with the memory.
void copy_on_write(Tensor& owner) {
  const at::Tensor held = owner.attached;
  rewrap(owner);
  move_to_copy(owner, held);
}

bool have_equal_bytes(const at::Tensor& wrapped, const at::Tensor& value) {
  if (!value.defined() || !wrapped.device().is_cpu() || value.device() != wrapped.device() ||
      value.scalar_type() != wrapped.scalar_type() || value.sizes() != wrapped.sizes())
    return false;
  const ElementStrides strides = dense_strides(wrapped);
  const CopiedMemory a = copied_memory(wrapped, strides);
  const CopiedMemory b = copied_memory(value, strides);
  return a.bytes == b.bytes && std::memcmp(a.data.get(), b.data.get(), a.bytes) == 0;
}

/// Never destroyed: tensors may be released after the end of the program's static objects.
class AliasRegistry {
 public:
  bool is_empty() const { return size_.load(std::memory_order_relaxed) == 0; }

  void enter(Tensor& tensor) {
    auto entry = std::make_unique<Entry>(region_of(tensor.attached, byte_strides(tensor.attached)), tensor);
    const std::lock_guard lock(mutex_);
    if (tensor.entry) return;
    index_.insert(entry.get());
    tensor.entry.set(entry.release());
    size_.fetch_add(1, std::memory_order_relaxed);
  }

  void leave(Tensor& tensor) {
    const std::lock_guard lock(mutex_);
    erase(tensor);
  }

  void prepare_write(const Region& region, const Tensor* target, const at::Tensor& writer, const at::Tensor& value) {
    const std::lock_guard lock(mutex_);
    for (IndexedRegion* const found : index_.meeting(region)) {
      Tensor& owner = static_cast<Entry*>(found)->owner;
      if (&owner == target || owner.value.is_same(writer)) continue;
      if (!has_other_holders(owner)) erase(owner);
      // A leaf's gradient arrives at this very tensor, so that it cannot be wrapped afresh.
      else if (!target || !have_equal_bytes(target->attached, value))
        owner.attached.unsafeGetTensorImpl()->bump_version();
    }
  }

 private:
  void erase(Tensor& tensor) {
    const std::unique_ptr<Entry> entry(tensor.entry);
    if (!entry) return;
    index_.erase(entry.get());
    tensor.entry.set(nullptr);
    size_.fetch_sub(1, std::memory_order_relaxed);
  }

  std::mutex mutex_;
  RegionIndex index_;
  std::atomic<std::size_t> size_{0};
};

AliasRegistry& wrapped() {
  static AliasRegistry& instance = *new AliasRegistry;
  return instance;
}

/// Where wrapped memory lies, gaps included.
Range span_of(const at::Tensor& wrapped) {
  const char* const begin = static_cast<const char*>(wrapped.const_data_ptr());
  return {begin, begin + wrapped.storage().nbytes()};
}

/// Memory that is about to change, as a tensor.
struct Written {
  const at::Tensor& tensor;
  const ByteStrides strides = byte_strides(tensor);
  Region region() const { return region_of(tensor, strides); }
};

/// True while no write can meet anything that a graph holds.
bool is_nothing_held() { return this_thread().lookups.size() == 0 && wrapped().is_empty(); }

/// Leaves that this very entry gave to a graph, if they are to be found by a write.
void enter_held(const Region& written, const Tensor* target) {
  this_thread().lookups.for_each(0, [&](Tensor& leaf) {
    if (&leaf != target && range_of(written).intersects(span_of(leaf.attached)) &&
        overlap(written, Written{leaf.attached}.region()))
      ftorch::enter_held(leaf);
  });
}

/// Casts of a leaf that the program can write without being seen are made anew.
void end_casts_of(const Tensor& leaf) noexcept {
  const bool is_seen = !leaf.wraps && !leaf.is_exposed();
  if (!is_seen && leaf.value.requires_grad() && leaf.value.is_leaf()) forget_casts();
}

}  // namespace

void enter_held(Tensor& leaf) noexcept {
  if (!leaf.entry && has_other_holders(leaf)) register_alias(leaf);
}

void register_alias(Tensor& tensor) noexcept {
  if (tensor.entry) return;
  try {
    wrapped().enter(tensor);
  } catch (...) {
    // Unknown to the register, the numbers cannot be kept: a backward pass that needs them fails.
    tensor.attached.unsafeGetTensorImpl()->bump_version();
  }
}

void unregister_alias(Tensor& tensor) noexcept {
  this_thread().lookups.forget(tensor);
  if (tensor.entry) wrapped().leave(tensor);
  // The memory may be gone already, since compilers free arrays before they finalise tensors: it is not read.
  if (has_other_holders(tensor)) tensor.attached.unsafeGetTensorImpl()->bump_version();
}

void prepare_write(Tensor& target, const at::Tensor& value) {
  if (has_other_holders(target)) copy_on_write(target);
  else if (target.attached.requires_grad()) rewrap(target);
  if (is_nothing_held()) return;
  const Written written{target.attached};
  enter_held(written.region(), &target);
  if (!wrapped().is_empty()) wrapped().prepare_write(written.region(), &target, {}, value);
}

void prepare_write_in_place(const at::Tensor& value) {
  if (is_nothing_held()) return;
  const Written written{value};
  enter_held(written.region(), nullptr);
  if (!wrapped().is_empty()) wrapped().prepare_write(written.region(), nullptr, value, {});
}

void prepare_write(const Region& region) {
  enter_held(region, nullptr);
  if (!wrapped().is_empty()) wrapped().prepare_write(region, nullptr, {}, {});
}

bool is_array_alone(const Tensor& target) {
  return target.attached.defined() && is_value_attached(target) && target.attached.is_cpu() &&
         at::isFloatingType(target.attached.scalar_type()) && !target.attached.requires_grad() &&
         !has_other_holders(target) && is_nothing_held();
}

at::Tensor Operands::add(Tensor& tensor, bool has_views) {
  end_casts_of(tensor);
  const at::Tensor& value = tensor.value;
  if (tensor.is_exposed() && !(value.requires_grad() && value.is_leaf())) [[unlikely]]
    return value.clone();
  if (!tensor.wraps || !is_value_attached(tensor)) return value;
  if (has_views && value.storage().nbytes() > 2 * value.nbytes()) return value.contiguous();
  if (value.requires_grad()) return value;
  at::Tensor operand = from_external_memory(value.mutable_data_ptr(), value.sizes(), value.strides(), value.options());
  lent_.push_back({tensor, operand});
  return operand;
}

at::Tensor Operands::add_if(bool is_recorded, Tensor& tensor, bool has_views) {
  if (is_recorded) return add(tensor, has_views);
  end_casts_of(tensor);
  return tensor.value;
}

void Operands::keep_apart() noexcept {
  for (const auto& [owner, operand] : lent_) {
    if (!is_shared(operand, 1)) continue;
    try {
      move_to_copy(owner, operand);
    } catch (...) {
      // There is no memory for a copy: a backward pass that needs the numbers fails.
      operand.unsafeGetTensorImpl()->bump_version();
    }
  }
  lent_.clear();
}

}  // namespace ftorch
