// SPDX-License-Identifier: MIT
// Two devices for machines without any: memory that the host cannot touch, kernels that run on the host.
//
// Their memory is protected except while a kernel of LibTorch works, so that whatever takes it for memory of the host
// ends the process. That is what a GPU does, and what tests on the host alone cannot show.

#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include <sys/mman.h>

namespace {

constexpr c10::DeviceType stand_in = c10::DeviceType::PrivateUse1;
constexpr c10::DeviceIndex devices = 2;
thread_local c10::DeviceIndex current = 0;

struct Block {
  std::size_t size;
  c10::DeviceIndex device;
};

std::recursive_mutex mutex;
std::map<char*, Block> blocks;
int64_t allocated[devices] = {};
int opened = 0;
/// Copies to the host that did not wait: they arrive when somebody waits for the device.
std::vector<std::pair<at::Tensor, at::Tensor>> begun;

void protect(int protection) {
  for (const auto& [address, block] : blocks) TORCH_CHECK(mprotect(address, block.size, protection) == 0);
}

/// While one lives, the memory can be touched.
class Opened {
 public:
  Opened() : lock_(mutex) {
    if (opened++ == 0) protect(PROT_READ | PROT_WRITE);
  }
  ~Opened() {
    if (--opened == 0) protect(PROT_NONE);
  }

 private:
  std::lock_guard<std::recursive_mutex> lock_;
};

char* allocate(std::size_t size, c10::DeviceIndex device) {
  const std::lock_guard lock(mutex);
  void* const address = mmap(nullptr, size, opened > 0 ? PROT_READ | PROT_WRITE : PROT_NONE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  TORCH_CHECK(address != MAP_FAILED, "the stand-in is out of memory");
  blocks[static_cast<char*>(address)] = {size, device};
  return static_cast<char*>(address);
}

Block release(void* address) {
  const std::lock_guard lock(mutex);
  const auto node = blocks.extract(static_cast<char*>(address));
  TORCH_CHECK(!node.empty(), "no address of the stand-in");
  munmap(address, node.mapped().size);
  return node.mapped();
}

void free_counted(void* address) {
  const Block block = release(address);
  const std::lock_guard lock(mutex);
  allocated[block.device] -= static_cast<int64_t>(block.size);
}

struct Allocator final : c10::DeviceAllocator {
  c10::DataPtr allocate(std::size_t size) override {
    const c10::Device device(stand_in, current);
    if (size == 0) return {nullptr, device};
    char* const address = ::allocate(size, current);
    const std::lock_guard lock(mutex);
    allocated[current] += static_cast<int64_t>(size);
    return {address, address, free_counted, device};
  }
  void copy_data(void* to, const void* from, std::size_t size) const override {
    const Opened open;
    std::memcpy(to, from, size);
  }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex device) override {
    c10::CachingDeviceAllocator::DeviceStats stats;
    const std::lock_guard lock(mutex);
    stats.allocated_bytes[static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE)].current =
        allocated[device];
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {}
};

Allocator allocator;
REGISTER_ALLOCATOR(stand_in, &allocator)

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return stand_in; }
  c10::Device exchangeDevice(c10::Device device) const override {
    const c10::Device former = getDevice();
    setDevice(device);
    return former;
  }
  c10::Device getDevice() const override { return {stand_in, current}; }
  void setDevice(c10::Device device) const override { current = device.index(); }
  void uncheckedSetDevice(c10::Device device) const noexcept override { current = device.index(); }
  c10::Stream getStream(c10::Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream getDefaultStream(c10::Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return devices; }
  void synchronizeDevice(const c10::DeviceIndex) const override {
    const std::lock_guard lock(mutex);
    for (const auto& [to, from] : begun) to.copy_(from);
    begun.clear();
  }
  void record(void**, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override {}
};

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::Allocator* getPinnedMemoryAllocator() const override { return c10::GetCPUAllocator(); }
  c10::Device getDeviceFromPtr(void* data) const override {
    const std::lock_guard lock(mutex);
    const auto after = blocks.upper_bound(static_cast<char*>(data));
    TORCH_CHECK(after != blocks.begin(), "the pointer is on the host");
    const auto& [address, block] = *std::prev(after);
    TORCH_CHECK(static_cast<char*>(data) < address + block.size, "the pointer is on the host");
    return {stand_in, block.device};
  }
};

at::Tensor empty(c10::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                 std::optional<at::Device> device, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  const c10::OptionalDeviceGuard guard(device);
  return at::detail::empty_generic(size, &allocator, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   c10::dtype_or_default(dtype), format);
}

at::Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<at::ScalarType> dtype,
                         std::optional<at::Layout>, std::optional<at::Device> device, std::optional<bool>) {
  const c10::OptionalDeviceGuard guard(device);
  return at::detail::empty_strided_generic(size, stride, &allocator, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           c10::dtype_or_default(dtype));
}

/// The tensor's memory as the host sees it while it is open.
at::Tensor on_host(const at::Tensor& tensor) {
  if (tensor.is_cpu()) return tensor;
  return at::for_blob(tensor.data_ptr(), tensor.sizes())
      .strides(tensor.strides())
      .options(tensor.options().device(at::kCPU))
      .target_device(at::kCPU)
      .make_tensor();
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool non_blocking) {
  const Opened open;
  if (non_blocking && to.is_cpu()) {
    begun.emplace_back(to, on_host(from).clone());
    to.zero_();
  } else {
    on_host(to).copy_(on_host(from));
  }
  return to;
}

/// Numbers are not kept: LibTorch resizes what it is about to write.
const at::Tensor& resize(const at::Tensor& self, c10::IntArrayRef size, std::optional<at::MemoryFormat>) {
  const c10::DeviceGuard guard(self.device());
  c10::StorageImpl& storage = *self.storage().unsafeGetStorageImpl();
  const std::size_t needed = static_cast<std::size_t>(c10::multiply_integers(size)) * self.itemsize();
  if (storage.nbytes() < needed) {
    storage.set_data_ptr_noswap(allocator.allocate(needed));
    storage.set_nbytes(needed);
  }
  self.unsafeGetTensorImpl()->set_sizes_contiguous(size);
  return self;
}

at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
  if (from.sizes() != to.sizes()) resize(to, from.sizes(), std::nullopt);
  return copy_from(from, to, false);
}

at::Tensor convolution(const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias,
                       c10::SymIntArrayRef stride, c10::SymIntArrayRef padding, c10::SymIntArrayRef dilation,
                       bool transposed, c10::SymIntArrayRef output_padding, c10::SymInt groups) {
  return at::convolution_symint(input.cpu(), weight.cpu(), bias ? bias->cpu() : at::Tensor(), stride, padding, dilation,
                                transposed, output_padding, groups)
      .to(input.device());
}

at::Scalar local_scalar(const at::Tensor& tensor) { return tensor.cpu().item(); }

void on_the_host(const c10::OperatorHandle& op, c10::Stack* stack) { at::native::cpu_fallback(op, stack); }

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("_copy_from", copy_from);
  library.impl("_copy_from_and_resize", copy_from_and_resize);
  library.impl("_local_scalar_dense", local_scalar);
  library.impl("resize_", resize);
  library.impl("set_.source_Storage_storage_offset", at::native::set_storage_cpu_);
  library.impl("convolution_overrideable", convolution);
  library.impl("as_strided", at::native::as_strided_tensorimpl);
  library.impl("view", at::native::view);
  library.impl("_reshape_alias", at::native::_reshape_alias);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&on_the_host>());
}

const bool registered = [] {
  c10::register_privateuse1_backend("stand_in");
  at::RegisterPrivateUse1HooksInterface(new Hooks);
  return true;
}();

}  // namespace

// Memory of a device that LibTorch did not allocate, as CUDA's runtime gives it.
extern "C" {

int standInSetDevice(int device) {
  current = static_cast<c10::DeviceIndex>(device);
  return 0;
}

int standInMalloc(void** address, std::size_t size) {
  *address = allocate(size, current);
  return 0;
}

int standInMemcpy(void* to, const void* from, std::size_t size, int) {
  const Opened open;
  std::memcpy(to, from, size);
  return 0;
}

int standInFree(void* address) {
  release(address);
  return 0;
}
}
