// SPDX-License-Identifier: MIT
// The state of a replay buffer: its rows, in the order in which they lie, and all that the next ones depend on.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include "core/text.h"
#include "storage/replay_buffer.h"

namespace ftorch {
namespace {

std::string part(const char* what, std::size_t field) { return std::string(what) + "." + std::to_string(field); }

const char* name_of(ReplayBuffer::Policy policy) { return policy == ReplayBuffer::Policy::ring ? "ring" : "reservoir"; }

/// A tensor of a form without memory.
at::Tensor form_of(at::IntArrayRef shape, at::ScalarType dtype) {
  return at::empty(shape, at::TensorOptions(dtype).device(at::kMeta));
}

}  // namespace

StateDict ReplayBuffer::state_dict() const {
  at::NoGradGuard no_grad;
  const std::lock_guard lock(mutex_);
  StateDict state;
  state.put_text("policy", name_of(policy_));
  state.put("capacity", capacity_);
  state.put("rows_put", rows_put_);
  state.put("generator", generator_.get_state());
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const Field& field = fields_[i];
    state.put(part("fields", i), field.rows.narrow(0, 0, count()));
    field.moments.put_into(state, std::to_string(i));
  }
  return state;
}

std::vector<RowForm> ReplayBuffer::stored_forms(const StateDict& found) const {
  std::vector<RowForm> forms;
  for (const Field& field : fields_) forms.push_back(field.form);
  for (std::size_t i = 0; fields_.empty() && found.has(part("fields", i)); ++i) {
    const at::Tensor& rows = found.tensor(part("fields", i));
    const at::IntArrayRef shape = rows.dim() > 0 ? rows.sizes().slice(1) : rows.sizes();
    forms.push_back({rows.scalar_type(), reversed(shape)});
  }
  return forms;
}

void ReplayBuffer::check_state_dict(const StateDict& found) const {
  const std::lock_guard lock(mutex_);
  const auto rows_put = found.get<int64_t>("rows_put");
  const auto capacity = found.get<int64_t>("capacity");
  if (capacity != capacity_ || found.text("policy") != name_of(policy_))
    fail(ft_invalid_argument, "the state is that of a " + found.text("policy") + " of capacity " +
                                  std::to_string(capacity) + "; the buffer is a " + name_of(policy_) + " of capacity " +
                                  std::to_string(capacity_));
  if (rows_put < 0) fail(ft_invalid_argument, "'rows_put' is " + std::to_string(rows_put));
  StateDict expected;
  expected.put_text("policy", "");
  for (const char* const name : {"capacity", "rows_put"}) expected.put(name, form_of({}, at::kLong));
  expected.put("generator", generator_.get_state());
  const std::vector<RowForm> forms = stored_forms(found);
  for (std::size_t i = 0; i < forms.size(); ++i) {
    Extents shape = forms[i].reversed();
    shape.insert(shape.begin(), std::min(rows_put, capacity_));
    expected.put(part("fields", i), form_of(shape, forms[i].dtype));
    Moments(forms[i]).put_into(expected, std::to_string(i));
  }
  check_same_form(expected, found);
  if (forms.empty() && rows_put > 0) fail(ft_invalid_argument, "the state has no fields for the rows that were put");
  Context context("'generator'");
  generator_.clone().set_state(found.tensor("generator"));
}

void ReplayBuffer::load_state_dict(const StateDict& found) {
  at::NoGradGuard no_grad;
  const std::lock_guard lock(mutex_);
  const std::vector<RowForm> forms = stored_forms(found);
  if (fields_.empty() && !forms.empty()) fields_ = allocated(forms);
  rows_put_ = found.get<int64_t>("rows_put");
  generator_.set_state(found.tensor("generator"));
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    fields_[i].rows.narrow(0, 0, count()).copy_(found.tensor(part("fields", i)));
    fields_[i].moments.load(found, std::to_string(i));
  }
}

}  // namespace ftorch
