// SPDX-License-Identifier: MIT
// What an assignment means whose compiler has moved the bits of tensors before it.

#include <cerrno>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/guard.h"
#include "tensor/replaced.h"

using namespace ftorch;

namespace {

/// A tensor in Fortran begins with its handle and its place.
struct Bits {
  ft_handle handle = nullptr;
  ft_handle home = nullptr;
};

/// What stands at `home`; nothing where a variable was that is gone. Pipes refuse memory that is none, and nobody is told.
Bits bits_at(const void* home) noexcept {
  Bits bits;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return bits;
  const bool is_there = syscall(SYS_write, ends[1], home, sizeof bits) == sizeof bits;
  if (is_there && read(ends[0], &bits, sizeof bits) != sizeof bits) bits = {};
  close(ends[0]);
  close(ends[1]);
  return bits;
}

}  // namespace

int ft_tensor_meant(ft_handle* home, ft_handle* source) {
  return guard<true>(ft_internal_error, [&] {
    const int error = errno;
    const Bits bits = bits_at(*required(home, "home"));
    errno = error;
    if (bits.home != *home && is_readable(bits.handle)) *required(source, "source") = bits.handle;
    else *home = nullptr;
  });
}
