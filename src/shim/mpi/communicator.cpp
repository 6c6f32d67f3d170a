// SPDX-License-Identifier: MIT

#include "mpi/communicator.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

#include "ftorch_mpi.h"
#include "mpi/agreement.h"
#include "mpi/average.h"
#include "mpi/failure.h"
#include "mpi/forward.h"
#include "mpi/node_copy.h"
#include "mpi/wait.h"

namespace ftorch::mpi {
namespace {

/// Seconds that others wait for a rank which gave no time.
constexpr double usual_timeout = 600;

std::mutex mutex;
/// Never destroyed: a process that ends without MPI_Finalize frees nothing, which would wait for other ranks.
std::map<std::intptr_t, std::shared_ptr<Communicator>>& table() {
  static auto* const communicators = new std::map<std::intptr_t, std::shared_ptr<Communicator>>;
  return *communicators;
}

/// True while something that was started has not been waited for.
bool is_busy(const Communicator& here) { return here.averaging || (here.forward && !here.forward->passes.empty()); }

/// MPI deletes attributes of MPI_COMM_SELF first of all when it ends: communicators that are left end then.
int end_all(MPI_Comm, int, void*, void*) {
  const std::lock_guard lock(mutex);
  for (auto& [handle, one] : table()) {
    // MPI may still read and write its memory.
    if (is_busy(*one)) static_cast<void>(new std::shared_ptr<Communicator>(one));
  }
  table().clear();
  free_reduction();
  return MPI_SUCCESS;
}

void end_with_mpi() {
  static bool is_told = false;
  if (is_told) return;
  int key = MPI_KEYVAL_INVALID;
  check_mpi(MPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, end_all, &key, nullptr), "MPI_Comm_create_keyval");
  check_mpi(MPI_Comm_set_attr(MPI_COMM_SELF, key, nullptr), "MPI_Comm_set_attr");
  is_told = true;
  // It stays as long as the attribute.
  check_mpi(MPI_Comm_free_keyval(&key), "MPI_Comm_free_keyval");
}

bool has_finished() {
  int is_finalized = 0;
  MPI_Finalized(&is_finalized);
  return is_finalized != 0;
}

/// Lets errors that belong to no communicator come back: they are those of MPI_COMM_SELF, and before MPI 4 of MPI_COMM_WORLD.
class ErrorsReturn {
 public:
  ErrorsReturn() {
    for (int i = 0; i < 2; ++i) {
      MPI_Comm_get_errhandler(comms_[i], &before_[i]);
      MPI_Comm_set_errhandler(comms_[i], MPI_ERRORS_RETURN);
    }
  }
  ~ErrorsReturn() {
    for (int i = 0; i < 2; ++i) {
      MPI_Comm_set_errhandler(comms_[i], before_[i]);
      MPI_Errhandler_free(&before_[i]);
    }
  }
  ErrorsReturn(const ErrorsReturn&) = delete;
  ErrorsReturn& operator=(const ErrorsReturn&) = delete;

 private:
  const MPI_Comm comms_[2] = {MPI_COMM_WORLD, MPI_COMM_SELF};
  MPI_Errhandler before_[2];
};

/// The communicator of a Fortran handle.
MPI_Comm comm_of(int fortran_handle) {
  const MPI_Comm comm = MPI_Comm_f2c(fortran_handle);
  int is_between = 0;
  const ErrorsReturn scope;
  if (comm == MPI_COMM_NULL || !comm || MPI_Comm_test_inter(comm, &is_between) != MPI_SUCCESS)
    fail(ft_invalid_argument, "comm is no communicator: MPI_COMM_NULL, or freed");
  if (is_between)
    fail(ft_invalid_argument, "comm is a communicator between two groups; one of a single group is wanted");
  return comm;
}

/// A copy, once all ranks ask for it.
MPI_Comm duplicate(Communicator& here, MPI_Comm comm) {
  const auto copy = std::make_shared<MPI_Comm>(MPI_COMM_NULL);
  MPI_Request request;
  check_mpi(MPI_Comm_idup(comm, copy.get(), &request), "MPI_Comm_idup");
  wait(here, request, "torch_communicator_create", copy);
  return *copy;
}

/// MPI makes communicators without a limit of time: all come here first.
void meet(Communicator& here) {
  MPI_Request request;
  check_mpi(MPI_Ibarrier(here.all.comm(), &request), "MPI_Ibarrier");
  wait(here, request, "torch_communicator_create", nullptr);
}

MPI_Comm node_of(const Communication& all) {
  MPI_Comm node = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(all.comm(), MPI_COMM_TYPE_SHARED, all.rank(), MPI_INFO_NULL, &node),
            "MPI_Comm_split_type");
  return node;
}

bool asked_to_check_calls() {
  const char* const value = std::getenv("FTORCH_MPI_CHECK_CALLS");
  return value && *value != '\0' && std::string(value) != "0";
}

int device_count() {
  int32_t count = 0;
  return ft_device_count(1, &count) == ft_ok ? count : 0;
}

}  // namespace

Communication::Communication(MPI_Comm comm) : comm_(comm) {
  if (comm_ == MPI_COMM_NULL) return;
  MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
  MPI_Comm_rank(comm_, &rank_);
  MPI_Comm_size(comm_, &size_);
}

Communication::~Communication() {
  if (comm_ != MPI_COMM_NULL && !has_finished()) MPI_Comm_free(&comm_);
}

Communication::Communication(Communication&& other) noexcept { *this = std::move(other); }

Communication& Communication::operator=(Communication&& other) noexcept {
  std::swap(comm_, other.comm_);
  std::swap(rank_, other.rank_);
  std::swap(size_, other.size_);
  return *this;
}

Communication Communication::split(int color) const {
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(comm_, color, rank_, &part), "MPI_Comm_split");
  return Communication(part);
}

Communicator::Communicator(MPI_Comm comm, const Settings& given) : settings(given) {
  all = Communication(duplicate(*this, comm));
  node = Communication(node_of(all));
  meet(*this);
  leaders = all.split(node.rank() == 0 ? 0 : MPI_UNDEFINED);
  // One answer on each node, whatever the ranks were given.
  const auto told = std::make_shared<int>(given.owners > 0 ? given.owners : std::max(device_count(), 1));
  MPI_Request request;
  check_mpi(MPI_Ibcast(told.get(), 1, MPI_INT, 0, node.comm(), &request), "MPI_Ibcast");
  wait(*this, request, "torch_communicator_create", told);
  const int owners = std::min(*told, node.size());
  group_index = static_cast<int>(static_cast<std::int64_t>(node.rank()) * owners / node.size());
  meet(*this);
  group = node.split(group_index);
  meet(*this);
  group_calls = group.split(0);
}

std::shared_ptr<void> Spare::take(std::size_t bytes) {
  for (auto one = free_.begin(); one != free_.end(); ++one) {
    const std::size_t size = sizes_[one->get()];
    if (size < bytes || size / 2 > bytes) continue;
    std::shared_ptr<void> memory = std::move(*one);
    free_.erase(one);
    return memory;
  }
  for (const std::shared_ptr<void>& one : free_) sizes_.erase(one.get());
  free_.clear();
  std::shared_ptr<void> memory = make_memory(bytes);
  sizes_[memory.get()] = bytes;
  return memory;
}

Communicator::~Communicator() {
  if (!is_broken) return;
  // MPI would wait for messages that never arrive.
  for (Communication* const one : {&all, &node, &leaders, &group, &group_calls}) one->abandon();
}

void check_mpi_runs() {
  int is_initialized = 0;
  MPI_Initialized(&is_initialized);
  if (!is_initialized) fail(ft_invalid_argument, "MPI is not initialized: call MPI_Init first");
  if (has_finished()) fail(ft_invalid_argument, "MPI has been finalized");
  int level = 0, is_main = 0;
  MPI_Query_thread(&level);
  MPI_Is_thread_main(&is_main);
  if (!is_main && level < MPI_THREAD_SERIALIZED)
    fail(ft_invalid_argument,
         "this is not the thread that initialized MPI, which was not asked for MPI_THREAD_SERIALIZED or more");
}

namespace {

Communicator& find(ft_handle handle) {
  check_mpi_runs();
  const std::lock_guard lock(mutex);
  const auto found = table().find(reinterpret_cast<std::intptr_t>(handle));
  if (found == table().end()) fail(ft_invalid_argument, "the communicator is empty: it was not created, or deleted");
  return *found->second;
}

}  // namespace

Communicator& communicator(ft_handle handle) {
  Communicator& found = find(handle);
  if (found.is_broken)
    fail(ft_internal_error, "the communicator cannot be used any more: a rank did not answer in time");
  return found;
}

}  // namespace ftorch::mpi

using namespace ftorch::mpi;

int ft_mpi_communicator_create(int comm, double timeout, int64_t bucket_bytes, int owners, ft_handle* out) {
  return guard([&] {
    check_mpi_runs();
    const MPI_Comm original = comm_of(comm);
    Settings settings{timeout, bucket_bytes, owners, asked_to_check_calls()};
    Failure outcome(ft_ok, "");
    const auto refuse = [&](const char* text) { outcome = Failure(ft_invalid_argument, text); };
    if (!(timeout > 0)) {
      refuse("timeout must be more than 0 seconds");
      settings.timeout = usual_timeout;
    }
    if (bucket_bytes < 1) refuse("bucket_bytes must be positive");
    if (owners < 0) refuse("owners must not be negative");
    auto made = std::make_shared<Communicator>(original, settings);
    const std::uint64_t alike = 2 * static_cast<std::uint64_t>(bucket_bytes) + (settings.checks_calls ? 1 : 0);
    agree(*made, made->all, Call::create, outcome, {alike, 0},
          "bucket_bytes, or the environment variable FTORCH_MPI_CHECK_CALLS, is not the same on all ranks");
    const std::lock_guard lock(mutex);
    end_with_mpi();
    static std::intptr_t last = 0;
    table().emplace(++last, std::move(made));
    *out = reinterpret_cast<ft_handle>(last);
  });
}

int ft_mpi_communicator_delete(ft_handle handle) {
  return guard([&] {
    std::shared_ptr<Communicator> ended;
    const std::lock_guard lock(mutex);
    const auto found = table().find(reinterpret_cast<std::intptr_t>(handle));
    if (found == table().end()) return;
    const Communicator& here = *found->second;
    if (is_busy(here) && !here.is_broken && !has_finished())
      fail(ft_invalid_argument, "gradients or a forward pass are under way: wait for them first");
    ended = std::move(found->second);
    table().erase(found);
  });
}

int ft_mpi_communicator_place(ft_handle handle, int64_t* place) {
  return guard([&] {
    const Communicator& here = find(handle);
    const int values[] = {here.all.rank(),   here.all.size(),   here.node.rank(), here.node.size(),
                          here.group.rank(), here.group.size(), here.group_index};
    std::copy(std::begin(values), std::end(values), place);
  });
}
