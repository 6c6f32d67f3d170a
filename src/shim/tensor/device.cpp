// SPDX-License-Identifier: MIT
// Devices through LibTorch's interfaces for all of them, so that no header of a vendor is needed.

#include "tensor/device.h"

#include <ATen/Context.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <algorithm>

#include "core/error.h"
#include "core/guard.h"
#include "core/text.h"
#include "tensor/convert.h"
#include "tensor/elements.h"
#include "tensor/region.h"

namespace ftorch {
namespace {

/// LibTorch warns on standard error when a driver does not do; why_unavailable() says it instead.
class Silent : public c10::WarningHandler {
  void process(const c10::Warning&) override {}
};

const c10::impl::DeviceGuardImplInterface& guard_of(c10::DeviceType type) {
  return *c10::impl::getDeviceGuardImpl(type);
}

/// What `at::for_blob` makes, without its guards and options.
at::Tensor over_host_memory(void* data, at::IntArrayRef shape, at::IntArrayRef strides,
                            const at::TensorOptions& options) {
  int64_t last = 0;
  bool is_empty = false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    last += (shape[i] - 1) * strides[i];
    is_empty = is_empty || shape[i] == 0;
  }
  const auto bytes = is_empty ? 0 : static_cast<std::size_t>(last + 1) * options.dtype().itemsize();
  c10::Storage storage(c10::Storage::use_byte_size_t(), bytes, {data, at::kCPU}, nullptr, /*resizable=*/false);
  at::Tensor made = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKey::CPU,
                                                             options.dtype());
  made.unsafeGetTensorImpl()->set_sizes_and_strides(shape, strides);
  return made;
}

std::string first_sentence(std::string text) {
  const auto end = text.find_first_of("\n");
  text.resize(std::min({text.size(), end, text.find(". "), std::size_t{300}}));
  return text;
}

}  // namespace

int device_count(c10::DeviceType type) {
  if (type == c10::DeviceType::CPU) return 1;
  if (!c10::impl::hasDeviceGuardImpl(type)) return 0;
  Silent silent;
  c10::WarningUtils::WarningHandlerGuard guard(&silent);
  return guard_of(type).deviceCount();
}

std::string why_unavailable(c10::DeviceType type) {
  if (!c10::impl::hasDeviceGuardImpl(type)) return "it was built without " + device_name(type);
  // LibTorch gives the reason only in the exception that it throws at the first use.
  try {
    at::globalContext().lazyInitDevice(type);
  } catch (const c10::Error& error) {
    return first_sentence(error.what_without_backtrace());
  }
  return "it finds no device of that type";
}

void check_address(void* data, c10::Device device) {
  Context context("data");
  const c10::Device found = at::globalContext().getDeviceFromPtr(data, device.type());
  if (found != device) fail(ft_invalid_argument, "the memory is on " + found.str() + ", not on " + device.str());
}

at::Tensor from_external_memory(void* data, at::IntArrayRef shape, at::IntArrayRef strides,
                                const at::TensorOptions& options) {
  if (options.device().is_cpu()) return over_host_memory(data, shape, strides, options);
  return at::for_blob(data, shape).strides(strides).options(options).target_device(options.device()).make_tensor();
}

CopiedMemory copied_memory(const at::Tensor& tensor, at::IntArrayRef strides) {
  if (!tensor.device().is_cpu()) {
    at::NoGradGuard no_grad;
    const at::Tensor copy = at::empty_strided(tensor.sizes(), strides, tensor.options()).copy_(tensor);
    c10::StorageImpl& storage = *copy.storage().unsafeGetStorageImpl();
    return {storage.set_data_ptr({}), storage.nbytes()};
  }
  const int64_t size = static_cast<int64_t>(tensor.itemsize());
  ByteStrides apart(strides.begin(), strides.end());
  for (int64_t& stride : apart) stride *= size;
  Region region{nullptr, tensor.sizes(), apart, size};
  const Range range = range_of(region);
  const std::size_t bytes = static_cast<std::size_t>(range.end - range.begin);
  CopiedMemory copy{c10::GetCPUAllocator()->allocate(bytes), bytes};
  region.data = static_cast<char*>(copy.data.get());
  copy_out(region, tensor);
  return copy;
}

}  // namespace ftorch

using namespace ftorch;

int ft_device_count(int device_type, int32_t* count) {
  return guard(ft_internal_error, [&] { *required(count, "count") = device_count(device_type_of(device_type)); });
}

int ft_device_synchronize(int device_type, int device_index) {
  return guard(ft_internal_error, [&] {
    const c10::Device device = device_of(device_type, device_index);
    if (!device.is_cpu()) guard_of(device.type()).synchronizeDevice(device.index());
  });
}

int ft_device_memory_allocated(int device_type, int device_index, int64_t* bytes) {
  return guard(ft_internal_error, [&] {
    required(bytes, "bytes");
    const c10::Device device = device_of(device_type, device_index);
    if (device.is_cpu()) fail(ft_invalid_argument, "LibTorch does not count the memory of the host");
    c10::DeviceAllocator& allocator = *c10::getDeviceAllocator(device.type());
    constexpr std::size_t all = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    *bytes = allocator.initialized() ? allocator.getDeviceStats(device.index()).allocated_bytes[all].current : 0;
  });
}
