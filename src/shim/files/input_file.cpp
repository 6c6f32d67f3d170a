// SPDX-License-Identifier: MIT
// Reading of regular files.

#include "files/input_file.h"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "core/error.h"

namespace ftorch {
namespace {

const char* const unreadable = "it cannot be read";

}  // namespace

InputFile::InputFile(const std::string& filename) {
  struct stat status;
  // Before it is opened: that alone has an effect on some devices.
  if (stat(filename.c_str(), &status) != 0) fail_io(unreadable, errno);
  require_regular(status, unreadable);
  descriptor_.open(filename, O_RDONLY | O_NONBLOCK, unreadable);
  if (fstat(descriptor_.number(), &status) != 0) fail_io(unreadable, errno);
  require_regular(status, unreadable);
  size_ = static_cast<std::size_t>(status.st_size);
}

std::size_t InputFile::read(std::uint64_t position, void* buffer, std::size_t n, const char*) const {
  std::size_t done = 0;
  while (done < n) {
    const ssize_t got = pread(descriptor_.number(), static_cast<char*>(buffer) + done, n - done,
                              static_cast<off_t>(position + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_io(unreadable, errno);
    if (got == 0) fail(ft_model_error, "it is cut short or damaged");
    done += static_cast<std::size_t>(got);
  }
  return done;
}

}  // namespace ftorch
