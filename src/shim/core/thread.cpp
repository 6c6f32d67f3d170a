// SPDX-License-Identifier: MIT
// LibTorch's number of OpenMP threads in a thread of the host, whose own number stays as it is.

#include "core/thread.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/guard.h"
#include "core/text.h"
#include "core/thread_count.h"

// Those of the OpenMP library in the process, if there is one: LibTorch brings its own along.
extern "C" {
[[gnu::weak]] int omp_get_max_threads();
[[gnu::weak]] void omp_set_num_threads(int threads);
// LibTorch's version at run time, in bytes from the highest.
[[gnu::weak]] std::uint64_t aoti_torch_abi_version();
}

namespace ftorch {
namespace {

struct Version {
  int major;
  int minor;
  int patch;
};

Version version_at_run_time() noexcept {
  const std::uint64_t version = aoti_torch_abi_version();
  const auto part = [version](int shift) { return static_cast<int>(version >> shift & 255); };
  return {part(56), part(48), part(40)};
}

/// Layouts of classes differ between minor versions, and nothing else notices.
bool has_right_libtorch() noexcept {
  if (!aoti_torch_abi_version) return true;
  const auto [major, minor, patch] = version_at_run_time();
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

void ThreadCountGuard::begin(int threads) noexcept {
  if (!has_openmp()) return;
  const int now = omp_get_max_threads();
  if (now == threads) return;
  outer_ = now;
  is_outermost_ = host_ == 0;
  if (is_outermost_) host_ = now;
  omp_set_num_threads(threads);
}

void ThreadCountGuard::end() noexcept { omp_set_num_threads(is_outermost_ ? std::exchange(host_, 0) : outer_); }

HostThreadCount::HostThreadCount() noexcept {
  if (ThreadCountGuard::host_ == 0) return;
  library_ = omp_get_max_threads();
  omp_set_num_threads(std::exchange(ThreadCountGuard::host_, 0));
}

HostThreadCount::~HostThreadCount() {
  if (library_ == 0) return;
  ThreadCountGuard::host_ = omp_get_max_threads();
  omp_set_num_threads(library_);
}

OneThread::OneThread(bool applies) noexcept : threads_(applies && has_openmp() ? omp_get_max_threads() : 0) {
  if (threads_ > 1) omp_set_num_threads(1);
}

OneThread::~OneThread() {
  if (threads_ > 1) omp_set_num_threads(threads_);
}

int checked_thread_count(int threads) {
  if (threads >= 0 && threads <= most_threads) return threads;
  fail(ft_invalid_argument, "the number of threads is " + std::to_string(threads) + "; it must be from 0 to " +
                                std::to_string(most_threads));
}

}  // namespace ftorch

using namespace ftorch;

int ft_set_num_threads(int threads) {
  return guard(ft_invalid_argument, [&] { library_threads = checked_thread_count(threads); });
}

int ft_get_num_threads(int32_t* threads) {
  // Inside an entry the number of OpenMP is the library's.
  return guard(ft_internal_error,
               [&] { *required(threads, "threads") = has_openmp() ? omp_get_max_threads() : at::get_num_threads(); });
}

int ft_libtorch_version() {
  return guard(ft_internal_error, [] {
    if (!aoti_torch_abi_version) return set_text(TORCH_VERSION);
    const Version found = version_at_run_time();
    char text[40];
    std::snprintf(text, sizeof(text), "%d.%d.%d", found.major, found.minor, found.patch);
    set_text(text);
  });
}

int ft_version() {
  return guard(ft_internal_error, [] { set_text(FTORCH_VERSION); });
}
