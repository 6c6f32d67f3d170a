// SPDX-License-Identifier: MIT
// The default generator of each device.

#include "storage/generators.h"

#include <ATen/Context.h>

#include <mutex>

#include "core/error.h"
#include "core/text.h"
#include "tensor/device.h"

namespace ftorch {
namespace {

/// True when a generator is there. One of a device is not made for its state alone: that takes memory of the device.
bool is_used(c10::Device device) {
  return device.is_cpu() ||
         at::globalContext().getAcceleratorHooksInterface(device.type()).hasPrimaryContext(device.index());
}

/// The generators, each with its device.
std::vector<std::pair<c10::Device, at::Generator>> generators() {
  std::vector<std::pair<c10::Device, at::Generator>> list;
  for (const c10::DeviceType type : {at::kCPU, at::kCUDA, at::kXPU, at::kMPS, at::kPrivateUse1}) {
    for (int i = 0; i < device_count(type); ++i) {
      const c10::Device device(type, static_cast<c10::DeviceIndex>(type == at::kCPU ? -1 : i));
      try {
        if (is_used(device)) list.emplace_back(device, at::globalContext().defaultGenerator(device));
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
