// SPDX-License-Identifier: MIT
// A model bound to arrays: all is checked once, and a run does nothing but run.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "model/model.h"
#include "session/bound_tensor.h"
#include "tensor/results.h"

namespace ftorch {

class Session {
 public:
  /// Runs the model on what the inputs hold, and fails unless its results fit the outputs; nothing is changed. `threads`: 0 for the
  /// library's number.
  Session(std::shared_ptr<Model> model, const std::vector<ft_handle>& inputs, const std::vector<ft_handle>& outputs,
          int threads);

  /// A pass without gradients. A pass that fails writes nothing.
  void run();

  /// Exchanges an input or output, numbered from 1; if its size is another one, the next run checks it.
  template <class... Arguments>
  void rebind(Side side, int64_t index, const Arguments&... arguments);

 private:
  void check();
  void try_pass();
  void find_targets();
  void find_inputs();
  void run_pure();
  void run_bound();
  bool take_copies();
  void take_writes();
  void run_with_effects();

  std::shared_ptr<Model> model_;
  std::unique_ptr<BoundModel> bound_;
  std::vector<BoundTensor> inputs_;
  std::vector<BoundTensor> outputs_;
  int threads_;
  /// What the model is given, and whether `bound_` knows it.
  Values values_;
  bool is_bound_ = false;
  /// Outputs were compared with each other.
  bool are_apart_ = false;
  bool are_plain_arrays_ = false;
  /// The model runs in inference mode, for all that is known.
  bool infers_ = true;
  PassTensors results_;
  std::vector<Tensor*> targets_;
  std::atomic_flag is_running_;
};

inline constinit Slab<std::shared_ptr<Session>, Kind::session> sessions;

}  // namespace ftorch
