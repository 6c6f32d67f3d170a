// SPDX-License-Identifier: MIT
// Waiting for other ranks, but not for ever.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "mpi/communicator.h"

namespace ftorch::mpi {

/// What a message reads or writes; it may outlive the call.
using Memory = std::shared_ptr<void>;

inline Memory make_memory(std::size_t bytes) { return std::shared_ptr<std::byte[]>(new std::byte[bytes]); }

/// Messages that are under way. Whatever they read or write outlives them.
class Messages {
 public:
  Messages() = default;
  Messages(Messages&&) = default;
  Messages& operator=(Messages&&) = delete;
  ~Messages();

  /// A place for the request of a message that reads or writes `memory`.
  MPI_Request& add(Memory memory);
  /// Waits for all.
  void wait(Communicator& here, const char* what);
  bool is_through() const;
  /// Lets MPI go on with them.
  void progress();

 private:
  std::vector<std::pair<MPI_Request, Memory>> messages_;
};

/// Waits until a message is through. After the communicator's time it is broken, and this fails; the memory is then kept as long
/// as the process, since MPI may still use it.
void wait(Communicator& here, MPI_Request& request, const char* what, const Memory& memory);

}  // namespace ftorch::mpi
