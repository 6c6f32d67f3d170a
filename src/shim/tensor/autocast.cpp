// SPDX-License-Identifier: MIT
// Entries for regions in which operations run in another dtype, after Python's torch.autocast.

#include "tensor/autocast.h"

#include <ATen/autocast_mode.h>

#include <atomic>
#include <vector>

#include "core/error.h"
#include "core/guard.h"
#include "tensor/convert.h"

using namespace ftorch;

namespace {

/// What held before a region.
struct OuterState {
  c10::DeviceType device;
  bool was_enabled;
  at::ScalarType dtype;
  bool has_cache;
};

thread_local std::vector<OuterState> outer_states;

/// Those of all threads. A thread that ends within one leaves it counted, which costs time only.
std::atomic<int64_t> open_regions{0};

void check_dtype(at::ScalarType dtype) {
  if (dtype != at::kBFloat16 && dtype != at::kHalf)
    fail(ft_invalid_argument, "dtype is " + dtype_name(dtype) + "; it must be bfloat16 or float16");
}

}  // namespace

bool ftorch::autocasts() { return !outer_states.empty(); }

bool ftorch::autocasts(c10::DeviceType device) {
  return autocasts() && at::autocast::is_autocast_available(device) && at::autocast::is_autocast_enabled(device);
}

void ftorch::forget_casts() noexcept {
  if (open_regions.load() == 0) [[likely]]
    return;
  at::autocast::clear_cache();
}

int ft_autocast_begin(int dtype_code, int device_code) {
  return guard(ft_invalid_argument, [&] {
    const at::ScalarType dtype = dtype_of(dtype_code);
    const c10::DeviceType device = device_of(device_code, -1).type();
    check_dtype(dtype);
    if (!at::autocast::is_autocast_available(device))
      fail(ft_device_unavailable, "LibTorch has no autocast for devices of type " + device_name(device));
    outer_states.push_back({device, at::autocast::is_autocast_enabled(device), at::autocast::get_autocast_dtype(device),
                            at::autocast::is_autocast_cache_enabled()});
    ++open_regions;
    at::autocast::set_autocast_enabled(device, true);
    at::autocast::set_autocast_dtype(device, dtype);
    at::autocast::increment_nesting();
    at::autocast::set_autocast_cache_enabled(true);
  });
}

int ft_autocast_end() {
  return guard(ft_invalid_argument, [] {
    if (outer_states.empty()) fail(ft_invalid_argument, "no autocast region is open on this thread");
    const OuterState outer = outer_states.back();
    outer_states.pop_back();
    --open_regions;
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(outer.device, outer.was_enabled);
    at::autocast::set_autocast_dtype(outer.device, outer.dtype);
    at::autocast::set_autocast_cache_enabled(outer.has_cache);
  });
}
