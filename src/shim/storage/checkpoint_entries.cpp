// SPDX-License-Identifier: MIT
// Entries for checkpoints.

#include <algorithm>

#include "core/guard.h"
#include "core/text.h"
#include "files/safetensors.h"
#include "storage/checkpoint.h"
#include "storage/stored.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

std::string text_of(const char* text, int64_t size, const char* what) {
  return {required(text, what), static_cast<std::size_t>(std::max<int64_t>(size, 0))};
}

const Checkpoint& checkpoint_of(ft_handle handle) {
  if (!handle) fail(ft_invalid_argument, "the checkpoint is empty: nothing was put into it, and no file loaded");
  return *checkpoints.get(handle, "the checkpoint");
}

/// Puts a state into the checkpoint, or into a new one.
void put(ft_handle* checkpoint, const std::string& name, const std::string& kind, const StateDict& state) {
  if (*checkpoint) return checkpoints.get(*checkpoint, "the checkpoint")->put(name, kind, state);
  auto made = std::make_shared<Checkpoint>();
  made->put(name, kind, state);
  *checkpoint = checkpoints.acquire(std::move(made));
}

void get_tensor(const std::string& name, const at::Tensor& saved, ft_handle* target) {
  if (!*target) {
    Tensor made;
    made.value = saved.clone();
    *target = new_tensor(std::move(made));
    return;
  }
  Tensor& to = tensor(*target, "the tensor");
  StateDict expected, found;
  expected.put(name, to.value);
  found.put(name, saved);
  check_same_form(expected, found);
  copy_value(to, saved.to(to.value.device()), Write::result);
  *target = tensors.renew(*target);
}

}  // namespace

int ft_checkpoint_copy(ft_handle checkpoint, ft_handle* out) {
  return guard<true>(ft_internal_error, [&] {
    required(out, "out");
    *out = checkpoints.acquire(std::make_shared<Checkpoint>(*checkpoints.get(checkpoint, "the checkpoint")));
  });
}

int ft_checkpoint_put(ft_handle* checkpoint, const char* name, int64_t name_size, ft_handle object) {
  return guard(ft_internal_error, [&] {
    const std::string key = text_of(name, name_size, "name");
    const char* const kind = stored_kind(object);
    put(required(checkpoint, "checkpoint"), key, kind, state_of(object));
  });
}

int ft_checkpoint_put_text(ft_handle* checkpoint, const char* name, int64_t name_size, const char* text,
                           int64_t text_size) {
  return guard(ft_internal_error, [&] {
    StateDict state;
    state.put_text("", text_of(text, text_size, "text"));
    if (!is_json_text(state.text(""))) fail(ft_invalid_argument, "the text is not UTF-8");
    put(required(checkpoint, "checkpoint"), text_of(name, name_size, "name"), text_kind, state);
  });
}

int ft_checkpoint_get(ft_handle checkpoint, const char* name, int64_t name_size, ft_handle object) {
  return guard(ft_internal_error, [&] {
    const std::string key = text_of(name, name_size, "name");
    const StateDict state = checkpoint_of(checkpoint).get(key, stored_kind(object));
    const std::string subject = "'" + key + "'";
    Context context(subject.c_str());
    load_state(object, state);
  });
}

int ft_checkpoint_get_tensor(ft_handle checkpoint, const char* name, int64_t name_size, ft_handle* target) {
  return guard(ft_internal_error, [&] {
    const std::string key = text_of(name, name_size, "name");
    const StateDict state = checkpoint_of(checkpoint).get(key, tensor_kind);
    get_tensor(key, state.tensor(""), required(target, "target"));
  });
}

int ft_checkpoint_get_text(ft_handle checkpoint, const char* name, int64_t name_size) {
  return guard(ft_internal_error,
               [&] { set_text(checkpoint_of(checkpoint).get(text_of(name, name_size, "name"), text_kind).text("")); });
}

int ft_checkpoint_save(ft_handle checkpoint, const char* filename) {
  return guard(ft_io_error, [&] { checkpoint_of(checkpoint).save(required(filename, "filename")); });
}

int ft_checkpoint_load(const char* filename, ft_handle* out) {
  return guard(ft_io_error, [&] {
    required(out, "out");
    *out = checkpoints.acquire(std::make_shared<Checkpoint>(Checkpoint::load(required(filename, "filename"))));
  });
}
