// SPDX-License-Identifier: MIT
// Operators whose schemas leave something out.

#include "tensor/operator_aliases.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <unordered_set>

namespace ftorch {

bool is_fresh(const c10::FunctionSchema& schema) {
  static const std::unordered_set<std::string> computing{"aten::linear",
                                                         "aten::matmul",
                                                         "aten::conv1d",
                                                         "aten::conv2d",
                                                         "aten::conv3d",
                                                         "aten::conv_transpose1d",
                                                         "aten::conv_transpose2d",
                                                         "aten::conv_transpose3d",
                                                         "aten::batch_norm",
                                                         "aten::instance_norm",
                                                         "aten::layer_norm",
                                                         "aten::group_norm",
                                                         "aten::rms_norm",
                                                         "aten::lstm",
                                                         "aten::gru",
                                                         "aten::rnn_tanh",
                                                         "aten::rnn_relu",
                                                         "aten::lstm_cell",
                                                         "aten::gru_cell",
                                                         "aten::rnn_tanh_cell",
                                                         "aten::rnn_relu_cell",
                                                         "aten::softmax",
                                                         "aten::log_softmax",
                                                         "aten::max_pool1d",
                                                         "aten::max_pool2d",
                                                         "aten::max_pool3d",
                                                         "aten::avg_pool1d",
                                                         "aten::adaptive_avg_pool1d",
                                                         "aten::adaptive_avg_pool2d",
                                                         "aten::adaptive_avg_pool3d",
                                                         "aten::scaled_dot_product_attention",
                                                         "aten::selu",
                                                         "aten::relu6",
                                                         "aten::square",
                                                         "aten::embedding_bag",
                                                         "aten::outer",
                                                         "aten::where",
                                                         "aten::bilinear"};
  if (computing.count(schema.name()) > 0) return true;
  const auto found = c10::Dispatcher::singleton().findSchema(schema.operator_name());
  return found && !found->hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd);
}

bool may_write(const c10::FunctionSchema& schema, std::size_t argument) {
  const c10::Argument& it = schema.arguments()[argument];
  if (it.alias_info() && it.alias_info()->isWrite()) return true;
  if (it.name() != "running_mean" && it.name() != "running_var") return false;
  for (std::string_view end : {"_backward", "_no_training", "_no_update", "_functional"}) {
    if (std::string_view(schema.name()).ends_with(end)) return false;
  }
  return true;
}

bool is_mode_of_statistics(const c10::Argument& argument) {
  return argument.name() == "training" || argument.name() == "use_input_stats";
}

bool reaches_beyond_tensors(std::string_view name) {
  constexpr std::string_view namespaces[] = {"inductor::", "c10d::",     "_c10d_functional",
                                             "symm_mem::", "profiler::", "static_runtime::"};
  // A backward pass in the midst of an operation writes gradients of leaves.
  return name == "aten::from_file" || name == "aten::_backward" || name.ends_with("_tensor_unsafe") ||
         std::any_of(std::begin(namespaces), std::end(namespaces), [&](auto space) { return name.starts_with(space); });
}

}  // namespace ftorch
