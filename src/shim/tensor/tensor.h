// SPDX-License-Identifier: MIT
// The object behind a tensor's handle: a value, and the program's array that follows it.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "core/handle.h"
#include "core/text.h"
#include "core/thread_state.h"
#include "tensor/mirror.h"

namespace ftorch {

struct CopiedMemory;
struct Entry;
struct Tensor;

/// The tensor's memory is held; whoever writes to it finds it from now on.
void register_alias(Tensor& tensor) noexcept;
/// The tensor ends, and the program may take its memory away. If a graph holds it, which is one with this leaf, a backward
/// pass that needs the numbers fails.
void unregister_alias(Tensor& tensor) noexcept;

/// The place of a tensor in the register of wrapped memory, if it has one: that of this very object, which does not move.
class EntryOf {
 public:
  EntryOf() = default;
  EntryOf(EntryOf&&) noexcept {}
  EntryOf& operator=(EntryOf&&) noexcept { return *this; }
  operator Entry*() const { return entry_.load(std::memory_order_acquire); }
  void set(Entry* entry) { entry_.store(entry, std::memory_order_release); }

 private:
  std::atomic<Entry*> entry_{nullptr};
};

struct Tensor {
  Tensor() = default;
  Tensor(at::Tensor numbers, bool is_temporary) noexcept : value(std::move(numbers)), temporary(is_temporary) {}
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(Tensor&&) noexcept = default;
  ~Tensor() {
    if (attached.defined()) unregister_alias(*this);
  }

  at::Tensor value;
  /// The program's array. While no graph is involved on the host, `value` is this very tensor.
  at::Tensor attached;
  /// Made with a shape and dtype, which results written to it must have.
  bool has_fixed_spec = false;
  /// The result of an expression: nobody can tell when its value is shared.
  bool temporary = false;
  /// The value is memory of a model, so that to write the tensor is to write that memory.
  bool parameter = false;
  /// Kernels cannot work at the array's address: who uses the value gets a copy of the numbers.
  bool is_mirror = false;
  /// Made over memory of the program.
  bool wraps = false;
  EntryOf entry;
  /// Shown to code of the program that reads it; the numbers are another's.
  bool is_lent = false;
  /// The value to whose memory the program has a pointer.
  const at::TensorImpl* exposed = nullptr;
  bool is_exposed() const { return exposed && exposed == value.unsafeGetTensorImpl(); }
  /// What a graph got instead of the array's memory the last time.
  std::weak_ptr<const CopiedMemory> last_copy;
};

using Tensors = Slab<Tensor, Kind::tensor>;
inline constinit Tensors tensors;

/// The object behind a handle. A leaf over memory of the program may be given to a graph by the entry.
inline Tensor& tensor(ft_handle handle, const char* name) {
  Tensor& found = tensors.get(handle, name);
  if (found.wraps && !found.entry && found.attached.requires_grad()) this_thread().lookups.add(found);
  if (found.is_mirror) [[unlikely]]
    refresh_mirror(found);
  return found;
}

/// Calls f(tensor, i) for the tensors behind `handles`; failures name the one they are about.
template <class F>
void for_each_tensor(const char* name, const ft_handle* handles, int64_t size, const F& f) {
  if (size > 0) required(handles, name);
  for (int64_t i = 0; i < size; ++i) {
    Context context(name, i);
    f(tensor(handles[i], "the tensor"), static_cast<std::size_t>(i));
  }
}

enum class Write {
  assign,  ///< a target with a fixed shape and dtype takes any, and has none any more
  result,  ///< a target with a fixed shape and dtype keeps them
  output   ///< every target does
};

/// True when a value is written into the memory that the tensor has, outside any graph: into memory of a model, and into a
/// leaf, which stays one; but a leaf that receives a value of a graph becomes that value.
bool writes_in_place(const Tensor& target, const at::Tensor& value);
/// True when a write changes the memory of the value that the target has, which may be its array's.
bool overwrites_value(const Tensor& target, const at::Tensor& value);

/// The write of a value that nobody else changes, in three steps: who writes several tensors takes each step for all of them.
class PendingWrite {
 public:
  /// Fails unless `value` may be written to `target`.
  PendingWrite(Tensor& target, at::Tensor value, Write how);
  /// All else that can fail: fits the value to the target, and gives graphs that need the old numbers copies of them.
  void prepare();
  /// Copies numbers.
  void commit();

 private:
  /// What has the shape and dtype that the value must have, as a half of a sentence; null when nothing has.
  const char* fixed_by() const;
  void check() const;

  Tensor& target_;
  at::Tensor value_;
  Write how_;
  bool is_in_place_;
};

/// The target's value becomes `value`, which nobody else changes; an attached array receives the numbers.
void set_value(Tensor& target, at::Tensor value, Write how);
/// The same for a value that somebody else holds: what the target then has is its own.
void copy_value(Tensor& target, const at::Tensor& value, Write how);
/// Writes a result; makes a temporary when *target is null.
void write_result(ft_handle* target, at::Tensor&& value);
/// The same for a value that somebody else holds.
void write_copy(ft_handle* target, const at::Tensor& value);
/// Copies numbers of the same shape into memory that stays where it is, outside any graph. A backward pass that needs the old
/// ones fails.
void write_numbers(const at::Tensor& memory, const at::Tensor& numbers);
/// Sets all elements to zero.
void zero(Tensor& target);

/// A new tensor; if the innermost scope of this thread ends variables too, it belongs to that.
ft_handle new_tensor(Tensor object);
/// A new temporary, which belongs to the innermost scope of this thread.
ft_handle new_temporary(at::Tensor&& value);

/// True when someone besides these `holders` can reach the tensor's memory.
bool is_shared(const at::Tensor& value, std::size_t holders);
/// True when both are in one piece of memory.
inline bool shares_storage(const at::Tensor& a, const at::Tensor& b) {
  return a.has_storage() && b.has_storage() && a.storage().unsafeGetStorageImpl() == b.storage().unsafeGetStorageImpl();
}
/// True when elements of the tensor share memory.
bool is_expanded(const at::Tensor& value);

}  // namespace ftorch
