// SPDX-License-Identifier: MIT
// Calls of a compiled program without what LibTorch's loader does around them.

#include "model/aoti/container.h"

#include <ATen/DynamicLibrary.h>
#include <torch/csrc/inductor/aoti_runner/model_container_runner_cpu.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "core/error.h"

namespace ftorch::aoti {
namespace {

/// How many threads of the program may run a model at once; more wait. A further one costs little memory, and the container, which
/// takes back all that have ended when none is left, does so less often.
std::size_t concurrent_runs() { return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 16, 64); }

}  // namespace

class Container::Runner : public torch::inductor::AOTIModelContainerRunnerCpu {
 public:
  explicit Runner(const std::string& library) : AOTIModelContainerRunnerCpu(library, concurrent_runs()) {}

  std::size_t count(const char* entry) const {
    using Count = AOTIRuntimeError (*)(AOTInductorModelContainerHandle, std::size_t*);
    const auto ask = reinterpret_cast<Count>(model_so_->sym(entry));
    std::size_t count = 0;
    check(ask(container_handle_, &count));
    return count;
  }

  void run(AtenTensorHandle* inputs, std::size_t inputs_size, AtenTensorHandle* outputs, std::size_t outputs_size) {
    check(run_func_(container_handle_, inputs, inputs_size, outputs, outputs_size, nullptr, proxy_executor_handle_));
  }

 private:
  void check(AOTIRuntimeError error) const {
    if (error == AOTI_RUNTIME_SUCCESS) return;
    const std::string message = last_error();
    fail(ft_model_error, message.substr(0, message.find("\nException raised from")));
  }

  /// Libraries of older LibTorch do not say it.
  std::string last_error() const {
    using LastError = AOTIRuntimeError (*)(const char**);
    const char* said = nullptr;
    try {
      reinterpret_cast<LastError>(model_so_->sym("AOTInductorGetLastError"))(&said);
    } catch (const c10::Error&) {
      said = nullptr;
    }
    return said && *said ? said : "the compiled program failed; what it says stands on standard error";
  }
};

std::unique_ptr<Container::Runner> Container::load(const std::string& library) {
  try {
    return std::make_unique<Runner>(library);
  } catch (const c10::DynamicLibraryError& error) {
    fail(ft_io_error,
         std::string(error.what_without_backtrace()) + "; TMPDIR may name a folder on a disk that runs programs");
  }
}

Container::Container(const std::string& library)
    : runner_(load(library)),
      input_count_(runner_->count("AOTInductorModelContainerGetNumInputs")),
      output_count_(runner_->count("AOTInductorModelContainerGetNumOutputs")) {}

Container::~Container() = default;

c10::SmallVector<at::Tensor, 8> Container::run(at::TensorList inputs) {
  // A handle is a tensor on the heap; the program takes those of the inputs, and we take those of the results.
  c10::SmallVector<AtenTensorHandle, 16> given;
  for (const at::Tensor& input : inputs) given.push_back(reinterpret_cast<AtenTensorHandle>(new at::Tensor(input)));
  c10::SmallVector<AtenTensorHandle, 16> made(output_count_, nullptr);
  runner_->run(given.data(), given.size(), made.data(), made.size());
  c10::SmallVector<at::Tensor, 8> results;
  for (auto handle = made.begin(); handle != made.end(); ++handle) {
    // Results that are one tensor have one handle.
    const auto first = std::find(made.begin(), handle, *handle);
    if (first != handle && *handle) {
      results.push_back(results[static_cast<std::size_t>(first - made.begin())].clone());
      continue;
    }
    const std::unique_ptr<at::Tensor> result(reinterpret_cast<at::Tensor*>(*handle));
    results.push_back(result ? std::move(*result) : at::Tensor());
  }
  return results;
}

std::unordered_map<std::string, at::Tensor> Container::constants() const {
  return runner_->extract_constants_map(/*use_inactive=*/false);
}

void Container::use(const std::unordered_map<std::string, at::Tensor>& constants) {
  // The code has names of its own.
  std::unordered_map<std::string, at::Tensor> used;
  for (const auto& [own, name] : runner_->getConstantNamesToOriginalFQNs()) {
    const auto found = constants.find(name);
    if (found != constants.end()) used.emplace(own, found->second);
  }
  runner_->update_constant_buffer(used, /*use_inactive=*/false, /*validate_full_updates=*/false, /*user_managed=*/true);
  // The container has the addresses of these, and of those of before that it still uses; they stay where they are.
  used.merge(used_);
  used_ = std::move(used);
}

}  // namespace ftorch::aoti
