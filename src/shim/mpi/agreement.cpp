// SPDX-License-Identifier: MIT

#include "mpi/agreement.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "ftorch_mpi.h"
#include "mpi/wait.h"

namespace ftorch::mpi {
namespace {

constexpr std::int64_t nobody = std::numeric_limits<std::int64_t>::max();

struct Opinion {
  std::int64_t failed_rank;
  std::int64_t least_call, most_call;
  std::uint64_t least_fingerprint, most_fingerprint;
  double rows;
};

void combine(void* given, void* result, int* count, MPI_Datatype*) {
  const auto* from = static_cast<const Opinion*>(given);
  auto* to = static_cast<Opinion*>(result);
  for (int i = 0; i < *count; ++i) {
    to[i].failed_rank = std::min(to[i].failed_rank, from[i].failed_rank);
    to[i].least_call = std::min(to[i].least_call, from[i].least_call);
    to[i].most_call = std::max(to[i].most_call, from[i].most_call);
    to[i].least_fingerprint = std::min(to[i].least_fingerprint, from[i].least_fingerprint);
    to[i].most_fingerprint = std::max(to[i].most_fingerprint, from[i].most_fingerprint);
    to[i].rows += from[i].rows;
  }
}

/// Type and operation of an opinion.
struct Reduction {
  Reduction(const Reduction&) = delete;
  Reduction& operator=(const Reduction&) = delete;
  ~Reduction() {
    int is_finalized = 0;
    MPI_Finalized(&is_finalized);
    if (is_finalized) return;
    MPI_Datatype freed_type = type;
    MPI_Op freed_operation = operation;
    MPI_Type_free(&freed_type);
    MPI_Op_free(&freed_operation);
  }
  Reduction() {
    check_mpi(MPI_Type_contiguous(sizeof(Opinion), MPI_BYTE, &type), "MPI_Type_contiguous");
    check_mpi(MPI_Type_commit(&type), "MPI_Type_commit");
    check_mpi(MPI_Op_create(combine, /*commute=*/1, &operation), "MPI_Op_create");
  }
  MPI_Datatype type = MPI_DATATYPE_NULL;
  MPI_Op operation = MPI_OP_NULL;
};

std::unique_ptr<const Reduction> made;

const Reduction& reduction() {
  if (!made) made = std::make_unique<const Reduction>();
  return *made;
}

constexpr const char* call_names[] = {"torch_communicator_create", "torch_mpi_agree",   "torch_mpi_average_gradients",
                                      "torch_mpi_broadcast",       "torch_mpi_load",    "torch_mpi_forward",
                                      "torch_mpi_forward_warmup",  "torch_bind_threads"};

// A call and its number among the calls of the communicator, in one word.
constexpr std::int64_t kinds = std::size(call_names);

std::string call_text(std::int64_t word) {
  return std::string(call_names[word % kinds]) + " as call " + std::to_string(word / kinds);
}

struct Told {
  int status;
  int size;
  char text[8600];
};

/// Told by the rank that failed to all.
Failure failure_of(Communicator& here, const Communication& among, int rank, const Failure& own) {
  const auto told = std::make_shared<Told>();
  told->status = own.status;
  told->size = static_cast<int>(own.message.copy(told->text, sizeof(told->text)));
  MPI_Request request;
  check_mpi(MPI_Ibcast(told.get(), sizeof(Told), MPI_BYTE, rank, among.comm(), &request), "MPI_Ibcast");
  wait(here, request, "the text of a failure", told);
  return {told->status, std::string(told->text, static_cast<std::size_t>(told->size))};
}

}  // namespace

void check_not_averaging(const Communicator& here) {
  if (here.averaging) fail(ft_invalid_argument, "gradients are under way: call torch_mpi_average_gradients_wait first");
}

void free_reduction() noexcept { made.reset(); }

double agree(Communicator& here, const Communication& among, Call call, const Failure& outcome,
             const Contribution& contribution, const char* difference) {
  check_not_averaging(here);
  const std::int64_t word = (&among == &here.all ? ++here.calls : 0) * kinds + static_cast<std::int64_t>(call);
  const auto shared = std::make_shared<Opinion>(Opinion{outcome.status == ft_ok ? nobody : among.rank(), word, word,
                                                        contribution.fingerprint, contribution.fingerprint,
                                                        contribution.rows});
  const Opinion& opinion = *shared;
  MPI_Request request;
  check_mpi(
      MPI_Iallreduce(MPI_IN_PLACE, shared.get(), 1, reduction().type, reduction().operation, among.comm(), &request),
      "MPI_Iallreduce");
  wait(here, request, call_names[static_cast<std::int64_t>(call)], shared);
  if (opinion.least_call != opinion.most_call)
    fail(ft_invalid_argument,
         "the ranks make different calls: " + call_text(opinion.least_call) + " and " + call_text(opinion.most_call));
  if (opinion.failed_rank != nobody) {
    const int rank = static_cast<int>(opinion.failed_rank);
    Failure failure = failure_of(here, among, rank, outcome);
    const char* const of_group = &among == &here.group_calls ? " of the group: " : ": ";
    fail(failure.status, "rank " + std::to_string(rank) + of_group + failure.message);
  }
  if (opinion.least_fingerprint != opinion.most_fingerprint) fail(ft_invalid_argument, difference);
  return opinion.rows;
}

}  // namespace ftorch::mpi

using namespace ftorch::mpi;

int ft_mpi_agree(ft_handle handle, int status, const char* text, int64_t size) {
  return guard([&] {
    const std::string message(text, static_cast<std::size_t>(size));
    Communicator& here = communicator(handle);
    agree(here, here.all, Call::agree, Failure(status, message));
  });
}
