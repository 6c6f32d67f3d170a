// SPDX-License-Identifier: MIT
// Calls of the program from within the library: failures come back as codes, and are thrown on this side.

#include "autograd/host_function.h"

#include "autograd/grad_mode.h"
#include "autograd/turn.h"
#include "core/traps.h"
#include "tensor/release.h"

namespace ftorch {
namespace {

/// Handles of tensors, which end with this.
class Handles {
 public:
  explicit Handles(std::size_t size) : handles_(size, nullptr) {}
  /// Of values that the program is shown.
  explicit Handles(const Values& values) {
    handles_.reserve(values.size());
    for (const at::Tensor& value : values) {
      Tensor object;
      object.value = value;
      object.is_lent = true;
      handles_.push_back(tensors.acquire(std::move(object)));
    }
  }
  ~Handles() {
    for (const ft_handle handle : handles_) tensors.release(handle);
  }
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  ft_handle* data() { return handles_.data(); }
  int64_t size() const { return static_cast<int64_t>(handles_.size()); }

  /// The values that the program put in; undefined where it put none.
  Values take() {
    Values values;
    values.reserve(handles_.size());
    for (ft_handle& handle : handles_) {
      Tensor* const made = handle ? tensors.find(handle) : nullptr;
      values.push_back(made ? taken(*made) : at::Tensor());
      tensors.release(std::exchange(handle, nullptr));
    }
    return values;
  }

 private:
  static at::Tensor taken(Tensor& made) {
    // An array that the tensor is over is the program's.
    const bool is_shared = made.wraps || made.is_lent || made.parameter;
    at::Tensor value = is_shared ? made.value.detach().clone() : std::move(made.value);
    made.value = at::Tensor();
    value = own_value(std::move(value));
    return value.requires_grad() ? value.detach() : value;
  }

  std::vector<ft_handle> handles_;
};

void check_code(int code, const char* what) {
  if (code == ft_ok) return;
  const char* text = nullptr;
  const auto size = static_cast<std::size_t>(ft_text(&text));
  throw Error(code, std::string(what) + " of the function failed: " + std::string(text, size));
}

}  // namespace

std::unique_ptr<HostFunction> HostFunction::copy() const {
  ft_function other = function_;
  other.context = function_.copy(function_.context);
  if (!other.context) fail(ft_out_of_memory, "there is no memory for a copy of the function");
  return std::make_unique<HostFunction>(other);
}

Values HostFunction::forward(const Values& inputs, std::size_t outputs_size) {
  const Turn turn(function_.is_thread_safe == 0);
  const NoGradRegions no_grad;
  Handles given(inputs);
  Handles made(outputs_size);
  int code = ft_ok;
  {
    const HostEnvironment environment;
    code = function_.forward(function_.context, made.data(), made.size(), given.data(), given.size());
  }
  check_code(code, "forward");
  return made.take();
}

Values HostFunction::backward(const Values& output_gradients, const Values& inputs, const Values& outputs) {
  const Turn turn(function_.is_thread_safe == 0);
  const NoGradRegions no_grad;
  Handles given_gradients(output_gradients);
  Handles given_inputs(inputs);
  Handles given_outputs(outputs);
  Handles made(inputs.size());
  int code = ft_ok;
  {
    const HostEnvironment environment;
    code = function_.backward(function_.context, made.data(), made.size(), given_gradients.data(), given_inputs.data(),
                              given_outputs.data(), given_outputs.size());
  }
  check_code(code, "backward");
  return made.take();
}

at::Tensor shown(const at::Tensor& value, bool takes_gradient) {
  at::NoGradGuard no_grad;
  // What the dispatcher would do, at a fifth of its price; without a graph nothing is to be taken away.
  at::Tensor plain = value.requires_grad() ? value.variable_data() : value;
  if (plain.layout() != at::kStrided) plain = plain.to_dense();
  if (plain.is_conj() || plain.is_neg()) plain = plain.resolve_conj().resolve_neg();
  if (is_expanded(plain)) plain = plain.clone(at::MemoryFormat::Contiguous);
  if (takes_gradient) plain.set_requires_grad(true);
  return plain;
}

}  // namespace ftorch
