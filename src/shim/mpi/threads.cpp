// SPDX-License-Identifier: MIT
// Cores that the ranks of a node have, and threads of the library for each.

#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "ftorch_mpi.h"
#include "mpi/agreement.h"
#include "mpi/wait.h"

using namespace ftorch::mpi;

namespace {

/// Cores that a control group lets its processes use; many where there is no limit.
double group_limit() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (file >> quota >> period && period > 0) return quota / period;
  return std::numeric_limits<int>::max();
}

/// The cores of each rank of the node.
std::vector<cpu_set_t> masks_of_node(Communicator& here) {
  const auto own = std::make_shared<cpu_set_t>();
  CPU_ZERO(own.get());
  if (sched_getaffinity(0, sizeof(cpu_set_t), own.get()) != 0) CPU_SET(0, own.get());
  const auto size = static_cast<std::size_t>(here.node.size());
  const std::shared_ptr<cpu_set_t[]> all(new cpu_set_t[size]);
  MPI_Request request;
  check_mpi(MPI_Iallgather(own.get(), sizeof(cpu_set_t), MPI_BYTE, all.get(), sizeof(cpu_set_t), MPI_BYTE,
                           here.node.comm(), &request),
            "MPI_Iallgather");
  wait(here, request, "torch_bind_threads", all);
  return {all.get(), all.get() + size};
}

/// How many cores this rank has for itself, where several may run on each.
int own_share(const std::vector<cpu_set_t>& masks, int rank) {
  double share = 0;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &masks[static_cast<std::size_t>(rank)])) continue;
    const auto users = std::count_if(masks.begin(), masks.end(),
                                     [&](const cpu_set_t& one) { return CPU_ISSET(core, &one); });
    share += 1.0 / static_cast<double>(users);
  }
  share = std::min(share, group_limit() / static_cast<double>(masks.size()));
  return std::max(1, static_cast<int>(share + 1e-9));
}

}  // namespace

int ft_mpi_bind_threads(ft_handle handle, int tells, int32_t* threads) {
  return guard([&] {
    Communicator& here = communicator(handle);
    begin_call(here, Call::bind_threads, [] {});
    const std::vector<cpu_set_t> masks = masks_of_node(here);
    *threads = own_share(masks, here.node.rank());
    check(ft_set_num_threads(*threads));
    if (tells && here.all.rank() == 0) {
      const std::string text = "ftorch: " + std::to_string(here.all.size()) + " ranks, " +
                               std::to_string(here.node.size()) + " on the node of rank 0, which has " +
                               std::to_string(CPU_COUNT(&masks[0])) +
                               " cores to run on; threads of the library: " + std::to_string(*threads) + " a rank; " +
                               std::to_string(here.group.size()) + " ranks share an owner\n";
      std::fputs(text.c_str(), stderr);
    }
  });
}
