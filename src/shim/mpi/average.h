// SPDX-License-Identifier: MIT
// Means of gradients over all ranks, and of the statistics that a model keeps, in few large messages.
#pragma once

#include <cstdint>
#include <thread>
#include <vector>

#include "mpi/communicator.h"
#include "mpi/failure.h"
#include "mpi/wait.h"

namespace ftorch::mpi {

/// Tensors by their handles, which are released at the end if they were made here.
struct Averaged {
  std::vector<ft_handle> parameters;
  std::vector<ft_handle> buffers;
  bool owns = false;

  Averaged() = default;
  Averaged(Averaged&& other) noexcept { swap(other); }
  Averaged& operator=(Averaged&& other) noexcept {
    swap(other);
    return *this;
  }
  void swap(Averaged& other) noexcept {
    parameters.swap(other.parameters);
    buffers.swap(other.buffers);
    std::swap(owns, other.owns);
  }
  ~Averaged();
};

/// Numbers travel in buckets, in the reverse order of the parameters, which is that of a backward pass; behind the numbers of a
/// bucket stands for each tensor on how many ranks it was there, and on how many ranks reading failed. The sum has the same
/// bits on all ranks.
class Averaging {
 public:
  Averaging(Communicator& here, Averaged tensors);
  ~Averaging();
  /// Agrees with all ranks on what is averaged, and how much each weighs. With `is_early` the messages begin within the backward
  /// passes to come, as soon as gradients are there. `before` is what this rank met already.
  void start(const Failure& before, double rows, bool is_early);
  /// Begins what has not begun, waits, and writes.
  void finish();

 private:
  struct Item {
    ft_handle tensor;
    bool is_gradient;
    std::int64_t count;
    bool is_double;
  };
  struct Bucket {
    Bucket(std::size_t item, bool has_doubles) : first(item), last(item), is_double(has_doubles) {}

    /// Of items, [first, last).
    std::size_t first, last;
    std::int64_t numbers = 0;
    bool is_double;
    /// With what stands behind the numbers. The sum begins where this ends.
    std::int64_t length() const { return numbers + static_cast<std::int64_t>(last - first) + 1; }
    /// Of gradients that have not arrived.
    std::size_t missing = 0;
    Memory memory;
    Messages messages;
  };

  std::uint64_t describe();
  /// Buffers whose numbers are the same on all ranks, such as constants, stay as they are to the bit.
  void leave_out_equal();
  void give_back();
  void fill_buckets();
  void watch(bool is_on);
  void arrived(std::size_t parameter);
  void begin(Bucket& bucket);
  void write(Bucket& bucket);

  Communicator& here_;
  Averaged tensors_;
  /// Buffers of an early average: passes still write them, so that they are averaged in the wait.
  Averaged deferred_;
  double rows_ = 0;
  double weight_ = 0;
  bool is_early_ = false;
  bool is_watching_ = false;
  std::thread::id thread_ = std::this_thread::get_id();
  std::vector<Item> items_;
  /// Of the numbers of each buffer.
  std::vector<std::uint64_t> hashes_;
  std::vector<Bucket> buckets_;
  std::vector<std::size_t> bucket_of_;
  std::size_t begun_ = 0;
  /// Of this rank, once messages have begun.
  Failure failure_{ft_ok, ""};
};

}  // namespace ftorch::mpi
