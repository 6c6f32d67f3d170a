// SPDX-License-Identifier: MIT
// The default generator of each device.

#include "storage/generators.h"

#include <ATen/Context.h>

#include <mutex>

#include "core/guard.h"
#include "core/text.h"
#include "tensor/convert.h"
#include "tensor/device.h"
#include "tensor/tensor.h"

namespace ftorch {
namespace {

/// True when a generator is there. One of a device is not made for its state alone: that takes memory of the device.
bool is_used(c10::Device device) {
  return device.is_cpu() ||
         at::globalContext().getAcceleratorHooksInterface(device.type()).hasPrimaryContext(device.index());
}

bool is_there(c10::Device) { return true; }

/// The generators of the devices that `is_wanted` names, each with its device.
std::vector<std::pair<c10::Device, at::Generator>> generators(bool (*is_wanted)(c10::Device) = is_used) {
  std::vector<std::pair<c10::Device, at::Generator>> list;
  for (const c10::DeviceType type : {at::kCPU, at::kCUDA, at::kXPU, at::kMPS, at::kPrivateUse1}) {
    for (int i = 0; i < device_count(type); ++i) {
      const c10::Device device(type, static_cast<c10::DeviceIndex>(type == at::kCPU ? -1 : i));
      try {
        if (is_wanted(device)) list.emplace_back(device, at::globalContext().defaultGenerator(device));
      } catch (const c10::Error&) {
        // A device of an extension without generators.
      }
    }
  }
  return list;
}

at::Tensor state_of(at::Generator& generator) {
  const std::lock_guard lock(generator.mutex());
  return generator.get_state();
}

void set_state(at::Generator& generator, const at::Tensor& state) {
  const std::lock_guard lock(generator.mutex());
  generator.set_state(state);
}

}  // namespace

StateDict generator_states() {
  StateDict states;
  for (auto& [device, generator] : generators()) states.put(device.str(), state_of(generator));
  return states;
}

void set_generators(const StateDict& states) {
  auto all = generators();
  std::erase_if(all, [&](const auto& one) { return !states.has(one.first.str()); });
  for (auto& [device, generator] : all) {
    const std::string subject = "the state of the random generator of " + device.str();
    Context context(subject.c_str());
    at::Generator trial = generator.clone();
    set_state(trial, states.tensor(device.str()));
  }
  for (auto& [device, generator] : all) set_state(generator, states.tensor(device.str()));
}

}  // namespace ftorch

using namespace ftorch;

namespace {

at::Generator host_generator() { return at::globalContext().defaultGenerator(at::kCPU); }

}  // namespace

int ft_manual_seed(int64_t seed) {
  return guard(ft_internal_error, [&] {
    for (auto& [device, generator] : generators(is_there)) {
      const std::lock_guard lock(generator.mutex());
      generator.set_current_seed(static_cast<std::uint64_t>(seed));
    }
  });
}

int ft_rng_state(ft_handle* state) {
  return guard(ft_invalid_argument, [&] {
    required(state, "state");
    at::Generator generator = host_generator();
    write_result(state, state_of(generator));
  });
}

int ft_set_rng_state(ft_handle state) {
  return guard(ft_invalid_argument, [&] {
    const at::Tensor& value = tensor(state, "state").value;
    if (value.scalar_type() != at::kByte)
      fail(ft_dtype_mismatch, "state has dtype " + dtype_name(value.scalar_type()) +
                                  "; a state of a random generator, as torch_get_rng_state gives it, is uint8");
    const Context context("state");
    const at::Tensor bytes = value.to(at::kCPU).contiguous();
    at::Generator generator = host_generator();
    at::Generator trial = generator.clone();
    set_state(trial, bytes);
    set_state(generator, bytes);
  });
}
