// SPDX-License-Identifier: MIT
// Bytes from one rank to all.
#pragma once

#include <cstdint>

#include "mpi/communicator.h"

namespace ftorch::mpi {

/// Sends bytes of `root` to the other ranks of a communication, in pieces that 32 bits count. `data` must outlive the call
/// if it fails.
void move_bytes(Communicator& here, const Communication& among, int root, void* data, std::int64_t size);

/// A channel of the library from `root` to all ranks, on which they agree as at a call of torch_mpi_broadcast.
class Channel {
 public:
  Channel(Communicator& here, int root);
  const ft_channel* get() const { return &channel_; }

 private:
  Communicator& here_;
  int root_;
  ft_channel channel_;
};

}  // namespace ftorch::mpi
