// SPDX-License-Identifier: MIT
// Drafts beside the files that they become.

#include "files/atomic_file.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include "files/size_signal_block.h"

namespace ftorch {
namespace {

constexpr std::size_t buffer_size = std::size_t{1} << 20;
const char* const failed = "it cannot be written";

/// Where symbolic links lead; the last one may name a file that does not exist yet.
std::filesystem::path target_of(std::filesystem::path name) {
  constexpr int most_links = 40;
  for (int i = 0; i < most_links; ++i) {
    std::error_code error;
    const std::filesystem::path link = std::filesystem::read_symlink(name, error);
    if (error) return name;
    name = name.parent_path() / link;
  }
  fail_io(failed, ELOOP);
}

}  // namespace

AtomicFile::AtomicFile(const std::string& filename) : buffer_(new char[buffer_size]) {
  struct stat status;
  const bool exists = stat(filename.c_str(), &status) == 0;
  if (!exists && errno != ENOENT) fail_io(failed, errno);
  if (exists) require_regular(status, failed);
  if (exists && access(filename.c_str(), W_OK) != 0) fail_io(failed, errno);
  const std::filesystem::path target = target_of(filename);
  name_ = target.filename().string();
  if (name_.empty()) fail_io(failed, ENOENT);
  const std::string folder = target.parent_path().string();
  folder_.open(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY, failed);
  open_draft();
  if (exists) copy_owner_and_mode(status);
}

AtomicFile::~AtomicFile() {
  if (!draft_.empty()) unlinkat(folder_.number(), draft_.c_str(), 0);
}

void AtomicFile::open_draft() {
  static std::atomic<unsigned> count{0};
  std::string draft;
  do {
    draft = ".ftorch-" + std::to_string(getpid()) + "-" + std::to_string(count++) + ".part";
    descriptor_.adopt(openat(folder_.number(), draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  } while (descriptor_.number() < 0 && errno == EEXIST);
  if (descriptor_.number() < 0) fail_io(failed, errno);
  draft_ = std::move(draft);
}

void AtomicFile::copy_owner_and_mode(const struct stat& status) {
  // Only root may give files away.
  [[maybe_unused]] const int ignored = fchown(descriptor_.number(), status.st_uid, status.st_gid);
  if (fchmod(descriptor_.number(), status.st_mode & 0777) != 0) fail_io(failed, errno);
}

void AtomicFile::write(const void* data, std::size_t size) noexcept {
  const char* bytes = static_cast<const char*>(data);
  while (size > 0) {
    const std::size_t taken = std::min(size, buffer_size - used_);
    std::memcpy(buffer_.get() + used_, bytes, taken);
    used_ += taken;
    bytes += taken;
    size -= taken;
    if (used_ == buffer_size) flush();
  }
}

void AtomicFile::flush() noexcept {
  SizeSignalBlock block;
  std::size_t done = 0;
  while (done < used_ && error_ == 0) {
    const ssize_t written = ::write(descriptor_.number(), buffer_.get() + done, used_ - done);
    if (written >= 0) done += static_cast<std::size_t>(written);
    else if (errno != EINTR) error_ = errno;
  }
  used_ = 0;
}

void AtomicFile::commit() {
  flush();
  if (error_ == 0 && fsync(descriptor_.number()) != 0 && errno != EINVAL) error_ = errno;
  if (const int error = descriptor_.close(); error_ == 0) error_ = error;
  if (error_ == 0 && renameat(folder_.number(), draft_.c_str(), folder_.number(), name_.c_str()) != 0) error_ = errno;
  if (error_ != 0) fail_io(failed, error_);
  draft_.clear();
  // The file has its name: that the disk knows it is all that this can add.
  fsync(folder_.number());
}

}  // namespace ftorch
