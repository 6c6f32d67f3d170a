// SPDX-License-Identifier: MIT
// Files of the system.

#include "files/system_file.h"

#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "core/error.h"
#include "core/text.h"

namespace ftorch {

void fail_io(const std::string& what, int error) { fail(ft_io_error, what + ": " + std::strerror(error)); }

void require_regular(const struct stat& status, const std::string& what) {
  const char* const kind = S_ISDIR(status.st_mode)    ? "a directory"
                           : S_ISFIFO(status.st_mode) ? "a named pipe"
                           : S_ISSOCK(status.st_mode) ? "a socket"
                                                      : "a device";
  if (!S_ISREG(status.st_mode)) fail(ft_io_error, what + ": it is " + kind + ", not a file");
}

std::string file_subject(const std::string& filename) {
  constexpr std::size_t shown = 100;
  std::string subject("'");
  if (filename.size() < PATH_MAX) return subject.append(filename).append("'");
  return subject.append(beginning(filename, shown)).append("...'");
}

void Descriptor::open(const std::string& name, int flags, const std::string& what) {
  number_ = ::open(name.c_str(), flags | O_CLOEXEC);
  if (number_ < 0) fail_io(what, errno);
}

int Descriptor::close() noexcept {
  const int number = std::exchange(number_, -1);
  return number < 0 || ::close(number) == 0 ? 0 : errno;
}

}  // namespace ftorch
