// SPDX-License-Identifier: MIT
// Told when the gradient of a parameter has arrived, within the backward pass.

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "autograd/gradient.h"
#include "core/guard.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

class Watch final : public torch::autograd::PostAccumulateGradHook {
 public:
  Watch(void (*watcher)(void*, int64_t), void* context, int64_t index)
      : watcher_(watcher), context_(context), index_(index) {}
  void operator()(const at::Tensor&) override { watcher_(context_, index_); }

 private:
  void (*watcher_)(void*, int64_t);
  void* context_;
  int64_t index_;
};

/// The leaves of each context, so that a watch ends whatever has become of the program's tensors.
std::mutex mutex;
/// Never destroyed: tensors of devices cannot be released once LibTorch has ended.
auto& watched() {
  static auto* const leaves = new std::unordered_map<void*, std::vector<at::Tensor>>;
  return *leaves;
}

void end_watch(void* context) {
  const auto node = watched().extract(context);
  if (!node) return;
  for (const at::Tensor& leaf : node.mapped()) torch::autograd::impl::set_post_acc_grad_hooks(leaf, nullptr);
}

}  // namespace

int ft_gradients_watch(const ft_handle* parameters, int64_t size, void (*watcher)(void*, int64_t), void* context) {
  return guard(ft_autograd_error, [&] {
    std::vector<at::Tensor> leaves;
    for_each_tensor("parameters", parameters, watcher ? size : 0, [&](const Tensor& one, std::size_t) {
      check_takes_gradient(one.value);
      leaves.push_back(one.value);
    });
    const std::lock_guard lock(mutex);
    end_watch(context);
    if (!watcher) return;
    const auto& kept = watched().emplace(context, std::move(leaves)).first->second;
    for (std::size_t i = 0; i < kept.size(); ++i)
      torch::autograd::impl::set_post_acc_grad_hooks(
          kept[i], std::make_unique<Watch>(watcher, context, static_cast<int64_t>(i)));
  });
}
