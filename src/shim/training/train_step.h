// SPDX-License-Identifier: MIT
// A compiled training step: loss and gradients in one call of machine code, on the parameters of a model.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/handle.h"
#include "model/model.h"
#include "training/optim.h"

namespace ftorch {

namespace aoti {
class Code;
class Container;
}  // namespace aoti

class TrainStep {
 public:
  /// Fails unless the model has the parameters and buffers that the step was compiled for.
  TrainStep(const std::string& filename, std::shared_ptr<Model> model, std::shared_ptr<Optimizer> optimizer);

  /// The loss. The gradients become those of the parameters, which the optimizer steps if it is to; buffers take their new
  /// values. Fails, and changes nothing, unless these are what the step takes.
  double run(const std::vector<at::Tensor>& inputs, const std::vector<at::Tensor>& targets, bool with_optimizer);

 private:
  void bind(const Model& model);
  /// Fails where a parameter of the model would not be trained, and where the optimizer cannot step, or steps none of those that
  /// are.
  void check_trained(const Model& model) const;

  std::shared_ptr<const aoti::Code> code_;
  std::shared_ptr<aoti::Container> container_;
  std::shared_ptr<Model> model_;
  std::shared_ptr<Optimizer> optimizer_;
  /// Parameters and buffers, in the order of the inputs.
  std::vector<at::Tensor> state_;
  std::vector<at::Tensor> with_gradients_;
  std::vector<at::Tensor> buffers_;
};

inline constinit Slab<std::shared_ptr<TrainStep>, Kind::train_step> train_steps;

}  // namespace ftorch
