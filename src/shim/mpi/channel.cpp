// SPDX-License-Identifier: MIT

#include "mpi/channel.h"

#include <algorithm>
#include <cstring>

#include "mpi/agreement.h"
#include "mpi/failure.h"
#include "mpi/wait.h"

namespace ftorch::mpi {

void move_bytes(Communicator& here, const Communication& among, int root, void* data, std::int64_t size) {
  // Through memory of our own: what belongs to another may end before a message that nobody answers.
  constexpr std::int64_t piece = std::int64_t{1} << 24;
  const bool is_root = among.rank() == root;
  for (std::int64_t first = 0; first < size; first += piece) {
    const auto count = static_cast<std::size_t>(std::min(piece, size - first));
    std::byte* const place = static_cast<std::byte*>(data) + first;
    const Memory memory = here.spare.take(count);
    if (is_root) std::memcpy(memory.get(), place, count);
    MPI_Request request;
    check_mpi(MPI_Ibcast(memory.get(), static_cast<int>(count), MPI_BYTE, root, among.comm(), &request), "MPI_Ibcast");
    wait(here, request, "torch_mpi_broadcast", memory);
    if (!is_root) std::memcpy(place, memory.get(), count);
    here.spare.give(memory);
  }
}

Channel::Channel(Communicator& here, int root) : here_(here), root_(root) {
  channel_.context = this;
  channel_.agree = [](void* context, int status) {
    Communicator& among = static_cast<Channel*>(context)->here_;
    return guard([&] {
      const Failure outcome(status, status == ft_ok ? "" : last_text());
      agree(among, among.all, Call::broadcast, outcome);
    });
  };
  channel_.move = [](void* context, void* bytes, int64_t size) {
    const auto& self = *static_cast<Channel*>(context);
    return guard([&] { move_bytes(self.here_, self.here_.all, self.root_, bytes, size); });
  };
}

}  // namespace ftorch::mpi
