// SPDX-License-Identifier: MIT
// Waiting for other ranks, but not for ever.
#pragma once

#include <mpi.h>

#include <cstddef>
#include <memory>

#include "mpi/communicator.h"

namespace ftorch::mpi {

/// What a message reads or writes; it may outlive the call.
using Memory = std::shared_ptr<void>;

inline Memory make_memory(std::size_t bytes) { return std::shared_ptr<std::byte[]>(new std::byte[bytes]); }

/// Waits until a message is through. After the communicator's time it is broken, and this fails; the memory is then kept as long
/// as the process, since MPI may still use it.
void wait(Communicator& here, MPI_Request& request, const char* what, const Memory& memory);

}  // namespace ftorch::mpi
