// SPDX-License-Identifier: MIT
// A model bound to arrays: the checks at the beginning, and the run.

#include "session/session.h"

#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/ScopeExit.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "core/error.h"
#include "core/text.h"
#include "core/thread_count.h"
#include "model/argument_names.h"
#include "model/forward.h"
#include "storage/generators.h"
#include "tensor/alias_registry.h"
#include "tensor/autocast.h"

namespace ftorch {
namespace {

constexpr ArgumentNames session_arguments{"inputs", "outputs"};

/// One thread at a time.
class Exclusive {
 public:
  explicit Exclusive(std::atomic_flag& flag) : flag_(flag) {
    if (flag_.test_and_set(std::memory_order_acquire)) [[unlikely]]
      fail(ft_invalid_argument, "the session is running on another thread; each thread needs a session of its own");
  }
  ~Exclusive() { flag_.clear(std::memory_order_release); }
  Exclusive(const Exclusive&) = delete;
  Exclusive& operator=(const Exclusive&) = delete;

 private:
  std::atomic_flag& flag_;
};

/// Puts back, at its end, what passes change in a model and in random generators.
class Unchanged {
 public:
  explicit Unchanged(const Model& model) : put_back_(model.saved_state()), generators_(generator_states()) {}
  ~Unchanged() {
    try {
      if (put_back_) put_back_();
      set_generators(generators_);
    } catch (...) {  // The numbers are copies of what was there before.
    }
  }
  Unchanged(const Unchanged&) = delete;
  Unchanged& operator=(const Unchanged&) = delete;

 private:
  std::function<void()> put_back_;
  StateDict generators_;
};

std::vector<BoundTensor> bound_tensors(const char* name, const std::vector<ft_handle>& handles) {
  std::vector<BoundTensor> list;
  list.reserve(handles.size());
  for (const ft_handle handle : handles) {
    const Context context(name, static_cast<int64_t>(list.size()));
    list.emplace_back(handle);
  }
  return list;
}

}  // namespace

Session::Session(std::shared_ptr<Model> model, const std::vector<ft_handle>& inputs,
                 const std::vector<ft_handle>& outputs, int threads)
    : model_(std::move(model)),
      bound_(model_->bound()),
      inputs_(bound_tensors(session_arguments.inputs, inputs)),
      outputs_(bound_tensors(session_arguments.outputs, outputs)),
      threads_(threads),
      values_(inputs_.size()),
      targets_(outputs_.size()) {
  const NamedArguments named(session_arguments);
  const ThreadCountGuard guard(threads_);
  check();
}

void Session::check() {
  find_targets();
  if (const auto count = model_->result_count()) check_result_count(*count, outputs_.size());
  find_inputs();
  const Unchanged unchanged(*model_);
  try {
    try_pass();
  } catch (...) {
    // A program that computes gradients of its own cannot do so in inference mode.
    if (!std::exchange(infers_, false)) throw;
    forget_failure();
    try_pass();
  }
  for (int passes = model_->warmup_passes(); passes > 1; --passes) try_pass();
}

/// A pass whose results are compared with the outputs, and not written.
void Session::try_pass() {
  const auto end = c10::make_scope_exit([this] {
    results_.clear();
    forget_casts();
  });
  if (model_->is_pure()) {
    const c10::InferenceMode inference(infers_ && are_plain_arrays_);
    at::NoGradGuard no_grad;
    run_bound();
    PassWrites writes;
    add_output_writes(targets_, *model_, values_, results_, writes);
  } else {
    at::NoGradGuard no_grad;
    results_ = run_on_copies(*model_, values_);
    PassWrites writes;
    add_output_writes(targets_, *model_, values_, results_, writes);
  }
}

void Session::find_targets() {
  are_plain_arrays_ = true;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    const Context context(session_arguments.outputs, static_cast<int64_t>(i));
    targets_[i] = &outputs_[i].current();
    are_plain_arrays_ = are_plain_arrays_ && outputs_[i].is_plain_array();
  }
  if (std::exchange(are_apart_, true)) return;
  are_apart_ = false;
  check_apart(session_arguments.outputs, targets_);
  are_apart_ = true;
}

void Session::find_inputs() {
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    const Context context(session_arguments.inputs, static_cast<int64_t>(i));
    const at::Tensor& value = inputs_[i].input();
    if (values_[i].is_same(value)) [[likely]]
      continue;
    values_[i] = value;
    is_bound_ = false;
  }
}

void Session::run() {
  const Exclusive exclusive(is_running_);
  const NamedArguments named(session_arguments);
  const ThreadCountGuard threads(threads_);
  find_targets();
  find_inputs();
  if (model_->is_pure()) run_pure();
  else run_with_effects();
}

void Session::run_bound() {
  const Remark remark([this] { return inputs_text(*model_, values_); });
  if (!is_bound_) {
    bound_->bind(values_);
    is_bound_ = true;
  }
  bound_->run(results_);
}

/// Tensors that are made in inference mode can never be part of a graph: none leaves if numbers alone are taken.
void Session::run_pure() {
  const c10::InferenceMode inference(infers_ && are_plain_arrays_);
  at::NoGradGuard no_grad;
  const auto end = c10::make_scope_exit([this] {
    results_.clear();
    forget_casts();
  });
  run_bound();
  if (!take_copies()) take_writes();
}

/// True if the results were copied to the arrays.
bool Session::take_copies() {
  if (results_.size() != outputs_.size()) return false;
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    if (!outputs_[i].takes_copy(results_[i], *targets_[i])) return false;
  }
  for (Tensor* const target : targets_) prepare_write(*target);
  for (std::size_t i = 0; i < outputs_.size(); ++i) outputs_[i].copy(results_[i], *targets_[i]);
  return true;
}

void Session::take_writes() {
  PassWrites writes;
  add_output_writes(targets_, *model_, values_, results_, writes);
  for (PendingWrite& write : writes) write.prepare();
  for (PendingWrite& write : writes) write.commit();
}

/// Of a model that keeps or writes its inputs, or has a state.
void Session::run_with_effects() {
  std::vector<Tensor*> inputs;
  for (const BoundTensor& input : inputs_) inputs.push_back(&input.input_object());
  forward(*model_, inputs, targets_, /*requires_grad=*/false);
  for (const BoundTensor& input : inputs_) input.show_array();
}

template <class... Arguments>
void Session::rebind(Side side, int64_t index, const Arguments&... arguments) {
  const Exclusive exclusive(is_running_);
  std::vector<BoundTensor>& all = side == Side::inputs ? inputs_ : outputs_;
  if (index < 1 || index > static_cast<int64_t>(all.size()))
    fail(ft_invalid_argument, "i is " + std::to_string(index) + "; the session has " + std::to_string(all.size()) +
                                  (side == Side::inputs ? " inputs" : " outputs"));
  const Context context(side == Side::inputs ? session_arguments.inputs : session_arguments.outputs, index - 1);
  all[static_cast<std::size_t>(index - 1)].rebind(arguments...);
  are_apart_ = false;
}

template void Session::rebind(Side, int64_t, const ft_handle&);
template void Session::rebind(Side, int64_t, const ft_view&, const at::ScalarType&);

}  // namespace ftorch
