// SPDX-License-Identifier: MIT
// Parameters, or their gradients, to and from one vector, as PyTorch's parameters_to_vector orders them.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <vector>

#include "autograd/gradient.h"
#include "core/guard.h"
#include "core/text.h"
#include "tensor/convert.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

/// The tensors behind handles; none is the result of an operation.
std::vector<Tensor*> parameters_behind(const ft_handle* handles, int64_t size, bool have_gradients) {
  std::vector<Tensor*> list;
  for_each_tensor("parameters", handles, size, [&](Tensor& one, std::size_t) {
    if (have_gradients) check_takes_gradient(one.value);
    else if (!one.value.is_leaf()) fail(ft_autograd_error, "the tensor is no parameter but the result of an operation");
    list.push_back(&one);
  });
  return list;
}

void check_size(const std::vector<Tensor*>& parameters, const at::Tensor& vector) {
  int64_t expected = 0;
  for (const Tensor* const one : parameters) expected += one->value.numel();
  if (vector.dim() != 1) fail(ft_shape_mismatch, "array has rank " + std::to_string(vector.dim()) + ", not 1");
  if (vector.numel() != expected)
    fail(ft_shape_mismatch, "array has " + std::to_string(vector.numel()) + " elements; the parameters have " +
                                std::to_string(expected) + " altogether");
}

/// Fails unless numbers that go from or to a parameter are kept.
void check_kept(at::ScalarType to, at::ScalarType from, at::ScalarType parameter, at::ScalarType vector) {
  if (!keeps_numbers(to, from))
    fail(ft_dtype_mismatch,
         "the tensor has dtype " + dtype_name(parameter) + ", array " + dtype_name(vector) + ": numbers may be lost");
}

/// Calls f(parameter, numbers of it in the vector, i).
template <class F>
void for_each_part(const std::vector<Tensor*>& parameters, const at::Tensor& vector, const F& f) {
  int64_t first = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    Context context("parameters", static_cast<int64_t>(i));
    const at::Tensor& value = parameters[i]->value;
    f(*parameters[i], vector.narrow(0, first, value.numel()).view(value.sizes()));
    first += value.numel();
  }
}

/// Fails if no backward pass has reached any of the parameters.
void check_have_gradients(const std::vector<Tensor*>& parameters) {
  for (const Tensor* const one : parameters) {
    if (one->value.grad().defined()) return;
  }
  if (!parameters.empty())
    fail(ft_autograd_error, "parameters: none has a gradient: no backward pass has reached them yet");
}

void write_parameters(const std::vector<Tensor*>& parameters, const at::Tensor& vector) {
  std::vector<PendingWrite> writes;
  writes.reserve(parameters.size());
  for_each_part(parameters, vector, [&](Tensor& one, const at::Tensor& part) {
    at::Tensor value = part.to(one.value.options().requires_grad(false), /*non_blocking=*/false, /*copy=*/true);
    writes.emplace_back(one, std::move(value), Write::output);
    writes.back().prepare();
  });
  for (PendingWrite& write : writes) write.commit();
}

void set_gradients(const std::vector<Tensor*>& parameters, const at::Tensor& vector) {
  std::vector<at::Tensor> gradients;
  for_each_part(parameters, vector,
                [&](Tensor& one, const at::Tensor& part) { gradients.push_back(like_gradient(one.value, part)); });
  for (std::size_t i = 0; i < gradients.size(); ++i) parameters[i]->value.mutable_grad() = std::move(gradients[i]);
}

}  // namespace

int ft_parameters_to_vector(const ft_handle* handles, int64_t size, int are_gradients, ft_handle* target) {
  return guard(ft_invalid_argument, [&] {
    const std::vector<Tensor*> parameters = parameters_behind(handles, size, are_gradients != 0);
    Tensor& to = tensor(*required(target, "target"), "array");
    check_size(parameters, to.value);
    if (are_gradients) check_have_gradients(parameters);
    at::NoGradGuard no_grad;
    const at::Tensor vector = at::empty(to.value.sizes(), to.value.options().requires_grad(false));
    for_each_part(parameters, vector, [&](Tensor& one, const at::Tensor& part) {
      check_kept(vector.scalar_type(), one.value.scalar_type(), one.value.scalar_type(), vector.scalar_type());
      if (!are_gradients) part.copy_(one.value);
      else if (one.value.grad().defined()) part.copy_(one.value.grad().to_dense());
      else part.zero_();
    });
    set_value(to, vector, Write::result);
    *target = tensors.renew(*target);
  });
}

int ft_vector_to_parameters(const ft_handle* handles, int64_t size, int are_gradients, ft_handle vector_handle) {
  return guard(ft_invalid_argument, [&] {
    const std::vector<Tensor*> parameters = parameters_behind(handles, size, are_gradients != 0);
    at::NoGradGuard no_grad;
    // The parameters may be over this very memory.
    const at::Tensor vector = tensor(vector_handle, "array").value.clone();
    check_size(parameters, vector);
    for_each_part(parameters, vector, [&](Tensor& one, const at::Tensor&) {
      check_kept(one.value.scalar_type(), vector.scalar_type(), one.value.scalar_type(), vector.scalar_type());
    });
    if (are_gradients) set_gradients(parameters, vector);
    else write_parameters(parameters, vector);
  });
}
