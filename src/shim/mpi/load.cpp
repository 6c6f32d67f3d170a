// SPDX-License-Identifier: MIT
// A file of one rank on every node.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "ftorch_mpi.h"
#include "mpi/agreement.h"
#include "mpi/channel.h"
#include "mpi/node_copy.h"

using namespace ftorch::mpi;

NodeCopy::~NodeCopy() {
  if (folder.empty()) return;
  unlink(name.c_str());
  rmdir(folder.c_str());
}

void NodeCopy::create() {
  const char* const place = std::getenv("TMPDIR");
  std::string pattern = std::string(place && *place ? place : "/tmp") + "/ftorch-mpi-XXXXXX";
  if (!mkdtemp(pattern.data()))
    fail(ft_io_error, "cannot make a folder '" + pattern + "', see TMPDIR: " + std::strerror(errno));
  folder = pattern;
  name = folder + "/model";
}

namespace {

[[noreturn]] void fail_system(const std::string& what) { fail(ft_io_error, what + ": " + std::strerror(errno)); }

/// An open file, closed at the end.
class File {
 public:
  File() = default;
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void open(const std::string& name, int flags) {
    number_ = ::open(name.c_str(), flags | O_CLOEXEC, 0600);
    if (number_ < 0) fail_system("cannot open '" + name + "'");
    name_ = name;
  }
  std::int64_t size() const {
    struct stat status;
    if (fstat(number_, &status) != 0) fail_system("cannot look at '" + name_ + "'");
    if (!S_ISREG(status.st_mode)) fail(ft_io_error, "'" + name_ + "' is no regular file");
    return status.st_size;
  }
  void read(char* data, std::size_t size) const {
    for (ssize_t n = 0; size > 0; data += n, size -= static_cast<std::size_t>(n)) {
      n = ::read(number_, data, size);
      if (n < 0 && errno == EINTR) n = 0;
      else if (n <= 0) fail_system("cannot read '" + name_ + "'");
    }
  }
  void write(const char* data, std::size_t size) const {
    for (ssize_t n = 0; size > 0; data += n, size -= static_cast<std::size_t>(n)) {
      n = ::write(number_, data, size);
      if (n < 0 && errno == EINTR) n = 0;
      else if (n < 0) fail_system("cannot write to the temporary folder");
    }
  }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_ = -1;
  std::string name_;
};

/// Tells all ranks of a node what its first one has.
void share_name(Communicator& here, std::string& name) {
  auto size = static_cast<std::int64_t>(name.size());
  move_bytes(here, here.node, 0, &size, sizeof(size));
  name.resize(static_cast<std::size_t>(size));
  move_bytes(here, here.node, 0, name.data(), size);
}

/// The pieces of the file from the root to the first rank of each node, which write them.
void distribute(Communicator& here, const File& source, const File& target, std::int64_t size,
                std::vector<char>& bytes) {
  const auto piece = static_cast<std::int64_t>(bytes.size());
  Failure outcome(ft_ok, "");
  for (std::int64_t first = 0; first < size; first += piece) {
    const auto count = static_cast<std::size_t>(std::min(piece, size - first));
    // Whoever fails goes on taking part, so that nobody waits; all are told at the end.
    const auto attempt = [&](const auto& f) {
      if (outcome.status != ft_ok) return;
      try {
        f();
      } catch (...) {
        outcome = failure_in_flight();
      }
    };
    if (here.all.rank() == 0) attempt([&] { source.read(bytes.data(), count); });
    move_bytes(here, here.leaders, 0, bytes.data(), static_cast<std::int64_t>(count));
    attempt([&] { target.write(bytes.data(), count); });
  }
  if (outcome.status != ft_ok) throw outcome;
}

}  // namespace

namespace {

void fetch(Communicator& here, const std::string& original) {
  const bool is_reader = here.all.rank() == 0, is_leader = here.node.rank() == 0;
  File source, target;
  std::int64_t size = 0;
  std::vector<char> bytes;
  succeed_on_all(here, Call::load, [&] {
    if (is_reader) {
      source.open(original, O_RDONLY | O_NONBLOCK);
      size = source.size();
    }
    here.copy = std::make_unique<NodeCopy>();
    if (!is_leader) return;
    bytes.resize(std::size_t{1} << 24);
    here.copy->create();
    target.open(here.copy->name, O_WRONLY | O_CREAT | O_EXCL);
  });
  Failure outcome(ft_ok, "");
  if (is_leader) {
    move_bytes(here, here.leaders, 0, &size, sizeof(size));
    try {
      distribute(here, source, target, size, bytes);
    } catch (...) {
      if (here.is_broken) throw;
      outcome = failure_in_flight();
    }
    target.close();
  }
  agree(here, here.all, Call::load, outcome);
  std::string name = here.copy->name;
  share_name(here, name);
  here.copy->original = original;
  here.copy->shown = name;
  ft_fail(ft_ok, name.c_str());
}

}  // namespace

int ft_mpi_fetch(ft_handle handle, const char* filename) {
  return guard([&] {
    Communicator& here = communicator(handle);
    try {
      fetch(here, filename);
    } catch (...) {
      here.copy.reset();
      throw;
    }
  });
}

int ft_mpi_fetched(ft_handle handle, int status, const char* text, int64_t size) {
  return guard([&] {
    Communicator& here = communicator(handle);
    const std::unique_ptr<NodeCopy> ended = std::move(here.copy);
    std::string message(text, static_cast<std::size_t>(size));
    // The user's name, not that of the copy.
    if (ended && !ended->shown.empty()) {
      if (const auto place = message.find(ended->shown); place != message.npos)
        message.replace(place, ended->shown.size(), ended->original);
    }
    agree(here, here.all, Call::load, Failure(status, message));
  });
}
