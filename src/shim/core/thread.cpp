// SPDX-License-Identifier: MIT
// LibTorch's number of OpenMP threads in a thread of the host, whose own number stays as it is.

#include "core/thread.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <cstdint>
#include <cstdio>

#include "core/guard.h"
#include "core/text.h"

// Those of the OpenMP library in the process, if there is one: LibTorch brings its own along.
extern "C" {
[[gnu::weak]] int omp_get_max_threads();
[[gnu::weak]] void omp_set_num_threads(int threads);
// LibTorch's version at run time, in bytes from the highest.
[[gnu::weak]] std::uint64_t aoti_torch_abi_version();
}

namespace ftorch {
namespace {

/// Layouts of classes differ between minor versions, and nothing else notices.
bool has_right_libtorch() noexcept {
  if (!aoti_torch_abi_version) return true;
  const std::uint64_t version = aoti_torch_abi_version();
  const int major = version >> 56 & 255, minor = version >> 48 & 255, patch = version >> 40 & 255;
  if (major == TORCH_VERSION_MAJOR && minor == TORCH_VERSION_MINOR) return true;
  char text[160];
  std::snprintf(text, sizeof(text),
                "the LibTorch found at run time is %d.%d.%d, and FTorch was built with " TORCH_VERSION
                "; look at LD_LIBRARY_PATH",
                major, minor, patch);
  set_failure(text);
  return false;
}

bool has_openmp() { return omp_get_max_threads && omp_set_num_threads; }

}  // namespace

int initialize_thread() noexcept {
  if (!has_right_libtorch()) return ft_internal_error;
  register_thread();
  if (!has_openmp()) return ft_ok;
  prepare_for_forks();
  const int threads = omp_get_max_threads();
  at::get_num_threads();  // sets LibTorch's own number of threads the first time it is asked for
  omp_set_num_threads(threads);
  return ft_ok;
}

OneThread::OneThread(bool applies) noexcept : threads_(applies && has_openmp() ? omp_get_max_threads() : 0) {
  if (threads_ > 1) omp_set_num_threads(1);
}

OneThread::~OneThread() {
  if (threads_ > 1) omp_set_num_threads(threads_);
}

}  // namespace ftorch
