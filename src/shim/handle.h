// SPDX-License-Identifier: MIT
// Objects behind handles: a handle is generation (32 bits), index (28) and kind (4), so that a stale one is recognised.
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <mutex>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "error.h"

namespace ftorch {

enum class Kind : std::uint64_t { tensor = 1, model = 2, optim = 3 };

inline const char* kind_name(Kind kind) {
  switch (kind) {
    case Kind::tensor: return "tensor";
    case Kind::model: return "model";
    case Kind::optim: return "optimizer";
  }
  return nullptr;
}

static_assert(sizeof(ft_handle) == 8, "a handle packs 64 bits into a pointer");

inline std::uint64_t bits(ft_handle handle) { return reinterpret_cast<std::uintptr_t>(handle); }
inline Kind kind_of(ft_handle handle) { return static_cast<Kind>(bits(handle) & 15); }

/// Why `handle` does not give a live object of `kind`.
[[noreturn]] inline void fail_lookup(ft_handle handle, Kind kind, bool was_one, const char* name) {
  std::string message(name);
  if (!handle) message += std::string(" holds nothing: no ") + kind_name(kind) + " was put into it";
  else if (was_one) message += std::string(" was released: the ") + kind_name(kind) + " is gone";
  else if (kind_of(handle) != kind && kind_name(kind_of(handle)))
    message += std::string(" is a") + (kind_of(handle) == Kind::optim ? "n " : " ") + kind_name(kind_of(handle)) +
               ", not a" + (kind == Kind::optim ? "n " : " ") + kind_name(kind);
  else message += " is no handle of this library";
  fail(ft_invalid_argument, std::move(message));
}

/// Stable addresses, lookups without a lock. A slot is live while its generation is odd. Nothing is destroyed at the
/// end of the process, when LibTorch may be gone already.
template <class T, Kind kind>
class Slab {
 public:
  ft_handle acquire(T object) {
    static_assert(std::is_nothrow_move_constructible_v<T>);
    const std::uint32_t index = pop();
    Slot& slot = *slot_at(index);
    ::new (static_cast<void*>(slot.storage)) T(std::move(object));
    const std::uint32_t generation = slot.generation.fetch_add(1, std::memory_order_release) + 1;
    live_.fetch_add(1, std::memory_order_relaxed);
    return reinterpret_cast<ft_handle>(std::uint64_t{generation} << 32 | std::uint64_t{index} << 4 |
                                       static_cast<std::uint64_t>(kind));
  }

  /// The object, or a failure that calls the handle `name`.
  T& get(ft_handle handle, const char* name) {
    Slot* const slot = slot_of(handle);
    const bool is_live = slot && slot->generation.load(std::memory_order_acquire) == generation_of(handle);
    if (!is_live) [[unlikely]] fail_lookup(handle, kind, slot != nullptr, name);
    return slot->object();
  }

  /// The object, or null.
  T* find(ft_handle handle) {
    Slot* const slot = slot_of(handle);
    if (!slot || slot->generation.load(std::memory_order_acquire) != generation_of(handle)) return nullptr;
    return &slot->object();
  }

  /// Nothing happens for a handle that is null or was released.
  void release(ft_handle handle) {
    Slot* const slot = slot_of(handle);
    std::uint32_t generation = generation_of(handle);
    if (!slot || !slot->generation.compare_exchange_strong(generation, generation + 1)) return;
    slot->object().~T();
    live_.fetch_sub(1, std::memory_order_relaxed);
    push(index_of(handle));
  }

  std::int64_t live() const { return live_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    alignas(T) unsigned char storage[sizeof(T)];
    std::atomic<std::uint32_t> generation{0};
    std::uint32_t next_free = 0;
    T& object() { return *std::launder(reinterpret_cast<T*>(storage)); }
  };

  // Chunk c holds first_chunk << c slots, so that a short table of chunks serves every index.
  static constexpr std::uint32_t first_chunk = 64;
  static constexpr std::uint32_t chunks = 22;
  static constexpr std::uint32_t capacity = first_chunk * ((1U << chunks) - 1);
  static constexpr std::uint32_t none = ~0U;

  static std::uint32_t generation_of(ft_handle handle) { return static_cast<std::uint32_t>(bits(handle) >> 32); }
  static std::uint32_t index_of(ft_handle handle) { return static_cast<std::uint32_t>(bits(handle) >> 4 & 0xfffffff); }

  Slot* slot_of(ft_handle handle) {
    const bool is_one = kind_of(handle) == kind && generation_of(handle) % 2 == 1;
    return is_one && index_of(handle) < capacity ? slot_at(index_of(handle)) : nullptr;
  }

  Slot* slot_at(std::uint32_t index) {
    const std::uint32_t chunk = static_cast<std::uint32_t>(std::bit_width(index / first_chunk + 1)) - 1;
    Slot* const slots = chunks_[chunk].load(std::memory_order_acquire);
    return slots ? slots + (index - first_chunk * ((1U << chunk) - 1)) : nullptr;
  }

  std::uint32_t pop() {
    std::lock_guard lock(mutex_);
    if (free_ != none) {
      const std::uint32_t index = free_;
      free_ = slot_at(index)->next_free;
      return index;
    }
    if (used_ == capacity) fail(ft_out_of_memory, std::string("too many objects of kind ") + kind_name(kind));
    if (!slot_at(used_)) {
      const std::uint32_t chunk = static_cast<std::uint32_t>(std::bit_width(used_ / first_chunk + 1)) - 1;
      chunks_[chunk].store(new Slot[std::size_t{first_chunk} << chunk], std::memory_order_release);
    }
    return used_++;
  }

  void push(std::uint32_t index) {
    std::lock_guard lock(mutex_);
    slot_at(index)->next_free = free_;
    free_ = index;
  }

  std::atomic<Slot*> chunks_[chunks]{};
  std::atomic<std::int64_t> live_{0};
  std::mutex mutex_;
  std::uint32_t free_ = none;
  std::uint32_t used_ = 0;
};

}  // namespace ftorch
