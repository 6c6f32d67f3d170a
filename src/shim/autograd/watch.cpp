// SPDX-License-Identifier: MIT
// Told when the gradient of a parameter has arrived, within the backward pass.

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>
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

}  // namespace

int ft_gradients_watch(const ft_handle* parameters, int64_t size, void (*watcher)(void*, int64_t), void* context) {
  return guard(ft_autograd_error, [&] {
    std::vector<at::Tensor> leaves;
    for_each_tensor("parameters", parameters, size, [&](const Tensor& one, std::size_t) {
      check_takes_gradient(one.value);
      leaves.push_back(one.value);
    });
    for (std::size_t i = 0; i < leaves.size(); ++i)
      torch::autograd::impl::set_post_acc_grad_hooks(
          leaves[i], watcher ? std::make_unique<Watch>(watcher, context, static_cast<int64_t>(i)) : nullptr);
  });
}
