// SPDX-License-Identifier: MIT
// Communicators of the library: copies of one of the program, so that no message meets another's.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "ftorch.h"

namespace ftorch::mpi {

/// An MPI communicator of our own, freed at the end.
class Communication {
 public:
  Communication() = default;
  explicit Communication(MPI_Comm comm);
  ~Communication();
  Communication(Communication&& other) noexcept;
  Communication& operator=(Communication&& other) noexcept;

  MPI_Comm comm() const { return comm_; }
  int rank() const { return rank_; }
  int size() const { return size_; }
  /// Leaves it to MPI_Finalize.
  void abandon() { comm_ = MPI_COMM_NULL; }
  bool is_null() const { return comm_ == MPI_COMM_NULL; }
  /// Collective over this one; the part with the same color.
  Communication split(int color) const;

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
  int rank_ = 0;
  int size_ = 1;
};

class Averaging;
class GatheredForward;
struct NodeCopy;

/// Memory of messages that are through, for those to come.
class Spare {
 public:
  std::shared_ptr<void> take(std::size_t bytes);
  void give(std::shared_ptr<void> memory) { free_.push_back(std::move(memory)); }

 private:
  std::vector<std::shared_ptr<void>> free_;
  std::map<void*, std::size_t> sizes_;
};

struct Settings {
  /// Seconds that a rank waits for the others.
  double timeout;
  /// Largest piece of memory that gradients travel in.
  std::int64_t bucket_bytes;
  /// Ranks of each node that own a device; 0: as many as there are devices, or one.
  int owners;
  /// Whether calls of a group or node begin with an agreement of all ranks, as the others do.
  bool checks_calls;
};

struct Communicator {
  Communicator(MPI_Comm comm, const Settings& given);
  ~Communicator();

  Settings settings;
  Communication all;
  /// The ranks that share memory.
  Communication node;
  /// The first rank of each node; null elsewhere.
  Communication leaders;
  /// The ranks that share an owner, which is the first of them.
  Communication group;
  /// The same ranks, for what they agree on: it never meets rows of a pass.
  Communication group_calls;
  /// Which of the groups of its node this one is.
  int group_index = 0;
  /// Calls so far, which must be the same ones on all ranks.
  std::int64_t calls = 0;
  /// Some rank did not answer: messages may be on their way for ever.
  bool is_broken = false;

  Spare spare;
  std::unique_ptr<Averaging> averaging;
  std::unique_ptr<GatheredForward> forward;
  std::unique_ptr<NodeCopy> copy;
};

/// The communicator behind a handle; fails for one that was deleted, that is broken, or after MPI_Finalize.
Communicator& communicator(ft_handle handle);

/// Fails unless MPI runs, and lets this thread call it.
void check_mpi_runs();

}  // namespace ftorch::mpi
