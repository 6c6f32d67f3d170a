// SPDX-License-Identifier: MIT
// Whether operations are recorded: of a tensor, and of a thread.

#include "autograd/grad_mode.h"

#include <utility>

#include "core/guard.h"
#include "tensor/autocast.h"
#include "tensor/convert.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

/// Regions without gradients that this thread is in, and the mode before the outermost.
thread_local int regions = 0;
thread_local bool mode_before = true;

}  // namespace

NoGradRegions::NoGradRegions() : regions_(std::exchange(regions, 0)), before_(mode_before) {}

NoGradRegions::~NoGradRegions() {
  regions = regions_;
  mode_before = before_;
}

int ft_no_grad_begin() {
  return guard(ft_internal_error, [] {
    if (regions++ > 0) return;
    mode_before = at::GradMode::is_enabled();
    at::GradMode::set_enabled(false);
  });
}

int ft_no_grad_end() {
  return guard(ft_internal_error, [] {
    if (regions == 0) fail(ft_invalid_argument, "no region without gradients is open on this thread");
    if (--regions == 0) at::GradMode::set_enabled(mode_before);
  });
}

int ft_tensor_set_requires_grad(ft_handle handle, int requires_grad) {
  return guard(ft_autograd_error, [&] {
    Tensor& one = tensor(handle, "the tensor");
    at::Tensor& value = one.value;
    const bool wanted = requires_grad != 0;
    if (value.requires_grad() == wanted) return;
    if (!value.is_leaf())
      fail(
          ft_autograd_error,
          "the tensor is no leaf but the result of an operation, which is part of a graph; torch_detach gives one that "
          "is not");
    if (!value.is_floating_point() && !value.is_complex())
      fail(ft_dtype_mismatch, "the tensor has dtype " + dtype_name(value.scalar_type()) +
                                  "; only real and complex tensors have gradients");
    // Another tensor may have the same value; memory of the program or of a model is this very tensor.
    const bool is_own = one.attached.defined() || one.parameter || value.use_count() == 1;
    if (wanted && !is_own) value = value.detach();
    value.set_requires_grad(wanted);
    forget_casts();
  });
}
