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

#include "core/error.h"
#include "core/thread_state.h"
#include "kinds.h"

namespace ftorch {

static_assert(sizeof(ft_handle) == 8, "a handle packs 64 bits into a pointer");

inline std::uint64_t bits(ft_handle handle) { return reinterpret_cast<std::uintptr_t>(handle); }
inline Kind kind_of(ft_handle handle) { return static_cast<Kind>(bits(handle) & 15); }

/// Stands for the result of an operator that failed. Its generation is even: nothing lives there.
inline const ft_handle failed_result = reinterpret_cast<ft_handle>(0xfffffffeULL << 32 |
                                                                   static_cast<std::uint64_t>(Kind::tensor));
/// Fails as it did.
[[noreturn]] void fail_as_operator();

/// Why `handle` does not give a live object of `kind`.
[[noreturn]] inline void fail_lookup(ft_handle handle, Kind kind, bool was_one, const char* name) {
  if (handle == failed_result) fail_as_operator();
  std::string message(name);
  if (!handle) message += std::string(" holds nothing: no ") + kind_title(kind) + " was put into it";
  else if (was_one) message += std::string(" was released: the ") + kind_title(kind) + " is gone";
  else if (kind_of(handle) != kind && kind_title(kind_of(handle)))
    message += std::string(" is ") + kind_with_article(kind_of(handle)) + ", not " + kind_with_article(kind);
  else message += " is no handle of this library";
  fail(ft_invalid_argument, std::move(message));
}

/// Stable addresses, lookups without a lock. A slot is live while its generation is odd. Nothing is destroyed at the
/// end of the process, when LibTorch may be gone already.
template <class T, Kind kind>
class Slab {
 public:
  /// A new object.
  ft_handle acquire(T object) { return make(this_thread(), std::move(object)); }

  /// The same, made from `arguments`.
  template <class... Arguments>
  ft_handle make(ThreadState& thread, Arguments&&... arguments) {
    static_assert(std::is_nothrow_constructible_v<T, Arguments...>);
    const std::uint32_t index = pop(stock_of(thread));
    Slot& slot = *slot_at(index);
    ::new (static_cast<void*>(slot.storage)) T(std::forward<Arguments>(arguments)...);
    slot.life.fetch_add(1, std::memory_order_relaxed);
    const std::uint32_t generation = slot.generation.fetch_add(1, std::memory_order_release) + 1;
    return handle_of(index, generation);
  }

  /// The object, or a failure that calls the handle `name`.
  T& get(ft_handle handle, const char* name) {
    Slot* const slot = slot_of(handle);
    const bool is_live = slot && slot->generation.load(std::memory_order_acquire) == generation_of(handle);
    if (!is_live) [[unlikely]]
      fail_lookup(handle, kind, slot != nullptr, name);
    return slot->object();
  }

  /// The object, or null.
  T* find(ft_handle handle) {
    Slot* const slot = slot_of(handle);
    if (!slot || slot->generation.load(std::memory_order_acquire) != generation_of(handle)) return nullptr;
    return &slot->object();
  }

  /// The same object under a new handle: from now on the old one is that of an object that was released.
  ft_handle renew(ft_handle handle) {
    const std::uint32_t generation = generation_of(handle) + 2;
    slot_of(handle)->generation.store(generation, std::memory_order_release);
    return handle_of(index_of(handle), generation);
  }

  /// What an object is known by whatever its handle.
  struct Identity {
    std::uint32_t index;
    std::uint32_t life;
  };

  /// That of the live object behind `handle`.
  Identity identity(ft_handle handle) { return {index_of(handle), slot_of(handle)->life.load()}; }

  /// The object, or null when it was released.
  T* find(Identity identity) {
    Slot* const slot = slot_at(identity.index);
    const bool is_it = slot->life.load() == identity.life && slot->generation.load(std::memory_order_acquire) % 2 == 1;
    return is_it ? &slot->object() : nullptr;
  }

  /// The handle of a live object.
  ft_handle handle(Identity identity) {
    return handle_of(identity.index, slot_at(identity.index)->generation.load(std::memory_order_acquire));
  }

  /// Nothing happens for a handle that is null or was released. Calls `before` with an object that is there.
  template <class F>
  void release(ThreadState& thread, ft_handle handle, const F& before) {
    Slot* const slot = slot_of(handle);
    std::uint32_t generation = generation_of(handle);
    if (!slot || slot->generation.load(std::memory_order_acquire) != generation) return;
    before(slot->object());
    if (!slot->generation.compare_exchange_strong(generation, generation + 1)) return;
    slot->object().~T();
    push(stock_of(thread), index_of(handle));
  }
  void release(ft_handle handle) {
    release(this_thread(), handle, [](const T&) {});
  }

  /// Counted, so that threads share no counter.
  std::int64_t live() {
    const std::lock_guard lock(mutex_);
    std::int64_t count = 0;
    for (std::uint32_t i = 0; i < used_; ++i) {
      const Slot* const slot = slot_at(i);
      if (slot) count += slot->generation.load(std::memory_order_acquire) % 2;
    }
    return count;
  }

 private:
  struct Slot {
    alignas(T) unsigned char storage[sizeof(T)];
    std::atomic<std::uint32_t> generation{0};
    std::atomic<std::uint32_t> life{0};
    std::uint32_t next_free = 0;
    T& object() { return *std::launder(reinterpret_cast<T*>(storage)); }
  };

  // Chunk c holds first_chunk << c slots, so that a short table of chunks serves every index.
  static constexpr std::uint32_t first_chunk = 64;
  static constexpr std::uint32_t chunks = 22;
  static constexpr std::uint32_t capacity = first_chunk * ((1U << chunks) - 1);
  static constexpr std::uint32_t none = ~0U;

  static Stock& stock_of(ThreadState& thread) { return thread.stocks[static_cast<int>(kind)]; }

  static ft_handle handle_of(std::uint32_t index, std::uint32_t generation) {
    return reinterpret_cast<ft_handle>(std::uint64_t{generation} << 32 | std::uint64_t{index} << 4 |
                                       static_cast<std::uint64_t>(kind));
  }
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

  std::uint32_t pop(Stock& stock) {
    if (stock.size == 0) [[unlikely]]
      refill(stock);
    return stock.indices[--stock.size];
  }

  void push(Stock& stock, std::uint32_t index) {
    if (stock.size == stock.room) [[unlikely]]
      make_room(stock);
    stock.indices[stock.size++] = index;
    if (stock.room == 0) give_back(stock, 1);
  }

  /// A thread that ends gives its stock back; what it does after that goes past the stock.
  void open(Stock& stock) {
    struct Closing {
      Slab& slab;
      Stock& stock;
      ~Closing() {
        slab.give_back(stock, stock.size);
        stock.room = 0;
      }
    };
    if (std::exchange(stock.is_opened, true)) return;
    static thread_local Closing closing{*this, stock};
    stock.room = Stock::capacity;
  }

  void make_room(Stock& stock) {
    open(stock);
    if (stock.size > 0 && stock.size == stock.room) give_back(stock, Stock::batch);
  }

  void refill(Stock& stock) {
    open(stock);
    const std::lock_guard lock(mutex_);
    const std::uint32_t wanted = stock.room > 0 ? Stock::batch : 1;
    for (; stock.size < wanted && free_ != none; free_ = slot_at(free_)->next_free) stock.indices[stock.size++] = free_;
    for (; stock.size < wanted && used_ < capacity; ++used_) {
      if (!slot_at(used_)) add_chunk();
      stock.indices[stock.size++] = used_;
    }
    if (stock.size == 0) fail(ft_out_of_memory, std::string("too many objects of kind ") + kind_title(kind));
  }

  void give_back(Stock& stock, std::uint32_t count) {
    const std::lock_guard lock(mutex_);
    for (; count > 0; --count) {
      const std::uint32_t index = stock.indices[--stock.size];
      slot_at(index)->next_free = std::exchange(free_, index);
    }
  }

  /// Room for the slots from `used_` on.
  void add_chunk() {
    const std::uint32_t chunk = static_cast<std::uint32_t>(std::bit_width(used_ / first_chunk + 1)) - 1;
    chunks_[chunk].store(new Slot[std::size_t{first_chunk} << chunk], std::memory_order_release);
  }

  std::atomic<Slot*> chunks_[chunks]{};
  std::mutex mutex_;
  std::uint32_t free_ = none;
  std::uint32_t used_ = 0;
};

}  // namespace ftorch
