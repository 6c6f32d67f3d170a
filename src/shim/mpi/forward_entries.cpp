// SPDX-License-Identifier: MIT
// Entries for forward passes of a group.

#include <algorithm>
#include <chrono>
#include <functional>

#include "ftorch_mpi.h"
#include "mpi/agreement.h"
#include "mpi/forward.h"

using namespace ftorch::mpi;

namespace {

constexpr std::size_t most_passes = 2;

GatheredForward& forward_of(Communicator& here) {
  if (!here.forward) here.forward = std::make_unique<GatheredForward>();
  return *here.forward;
}

void check_none_under_way(Communicator& here) {
  if (!forward_of(here).passes.empty()) fail(ft_invalid_argument, "a forward pass is under way: wait for it first");
}

/// Whether this rank runs the model itself: it has no other in its group, or a warm-up found that faster.
bool is_alone(Communicator& here, const Tensors& tensors) {
  if (here.group.size() == 1) return true;
  const auto& choices = forward_of(here).is_local;
  if (choices.empty()) return false;
  try {
    const auto found = choices.find(form_of(tensors));
    return found != choices.end() && found->second;
  } catch (const Failure&) {
    // The others, for whom that was chosen, do not come either.
    return true;
  }
}

Tensors tensors_of(const ft_handle* inputs, int64_t inputs_size, const ft_handle* outputs, int64_t outputs_size) {
  return {{inputs, inputs + inputs_size}, {outputs, outputs + outputs_size}};
}

/// A pass of this rank by itself; none where it has no rows, which a model may not take.
void run_alone(ft_handle model, const Tensors& tensors) {
  if (has_no_rows(tensors)) return;
  check(ft_model_forward(model, tensors.inputs.data(), static_cast<int64_t>(tensors.inputs.size()),
                         tensors.outputs.data(), static_cast<int64_t>(tensors.outputs.size()), 0, nullptr));
}

/// The shortest of some runs, on the slowest rank.
double seconds_of(Communicator& here, const std::function<void()>& run) {
  constexpr int runs = 5;
  double shortest = 0;
  Failure outcome(ft_ok, "");
  try {
    for (int i = 0; i <= runs; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      run();
      const double taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      // The first one warms up.
      if (i == 1 || (i > 1 && taken < shortest)) shortest = taken;
    }
  } catch (...) {
    if (here.is_broken) throw;
    outcome = failure_in_flight();
  }
  agree(here, here.group_calls, Call::forward_warmup, outcome);
  const auto slowest = std::make_shared<double>(shortest);
  MPI_Request request;
  check_mpi(MPI_Iallreduce(MPI_IN_PLACE, slowest.get(), 1, MPI_DOUBLE, MPI_MAX, here.group_calls.comm(), &request),
            "MPI_Iallreduce");
  wait(here, request, "torch_mpi_forward_warmup", slowest);
  return *slowest;
}

}  // namespace

int ft_mpi_forward_start(ft_handle handle, ft_handle model, const ft_handle* inputs, int64_t inputs_size,
                         const ft_handle* outputs, int64_t outputs_size) {
  return guard([&] {
    Communicator& here = communicator(handle);
    auto& passes = forward_of(here).passes;
    begin_call(here, Call::forward, [&] {
      if (passes.size() == most_passes)
        fail(ft_invalid_argument, "two forward passes are under way already: wait for the first of them");
    });
    Tensors tensors = tensors_of(inputs, inputs_size, outputs, outputs_size);
    // A pass of this rank alone is through at once.
    if (is_alone(here, tensors)) {
      run_alone(model, tensors);
      passes.push_back(nullptr);
    } else {
      passes.push_back(std::make_unique<GatheredPass>(here, model, std::move(tensors)));
    }
  });
}

int ft_mpi_forward_wait(ft_handle handle) {
  return guard([&] {
    Communicator& here = communicator(handle);
    auto& passes = forward_of(here).passes;
    if (passes.empty()) fail(ft_invalid_argument, "no forward pass is under way");
    const std::unique_ptr<GatheredPass> pass = std::move(passes.front());
    passes.pop_front();
    if (pass) pass->finish();
  });
}

int ft_mpi_forward(ft_handle handle, ft_handle model, const ft_handle* inputs, int64_t inputs_size,
                   const ft_handle* outputs, int64_t outputs_size) {
  return guard([&] {
    Communicator& here = communicator(handle);
    begin_call(here, Call::forward, [&] { check_none_under_way(here); });
    Tensors tensors = tensors_of(inputs, inputs_size, outputs, outputs_size);
    if (is_alone(here, tensors)) run_alone(model, tensors);
    else GatheredPass(here, model, std::move(tensors)).finish();
  });
}

int ft_mpi_forward_warmup(ft_handle handle, ft_handle model, const ft_handle* inputs, int64_t inputs_size,
                          const ft_handle* outputs, int64_t outputs_size, int32_t* is_gathered, double* seconds) {
  return guard([&] {
    Communicator& here = communicator(handle);
    begin_call(here, Call::forward_warmup, [&] { check_none_under_way(here); });
    const Tensors tensors = tensors_of(inputs, inputs_size, outputs, outputs_size);
    seconds[1] = seconds_of(here, [&] { run_alone(model, tensors); });
    seconds[0] = seconds_of(here, [&] { GatheredPass(here, model, tensors).finish(); });
    *is_gathered = seconds[0] <= seconds[1];
    forward_of(here).is_local[form_of(tensors)] = !*is_gathered;
  });
}
