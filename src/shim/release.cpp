// SPDX-License-Identifier: MIT
// The end of objects of each kind.

#include "guard.h"
#include "model.h"
#include "optim.h"
#include "release.h"
#include "replaced.h"

using namespace ftorch;

void ftorch::release_tensor(ft_handle handle, bool is_retired) {
  Tensor* const tensor = tensors.find(handle);
  if (!tensor) return;
  const bool ends_statement = tensor->temporary;
  if (is_retired && !ends_statement && !tensor->attached.defined()) keep_replaced(handle, std::move(tensor->value));
  tensors.release(handle);
  if (ends_statement) forget_replaced();
}

namespace {

[[noreturn]] void fail_kind() { fail(ft_invalid_argument, "the object is no handle of this library"); }

}  // namespace

int ft_release(ft_handle object) {
  return guard<true>(ft_internal_error, [&] {
    if (!object) return;
    switch (kind_of(object)) {
      case Kind::tensor: return release_tensor(object);
      case Kind::model: return models.release(object);
      case Kind::optim: return optims.release(object);
    }
    fail_kind();
  });
}

int ft_retire(ft_handle object) {
  return guard<true>(ft_internal_error, [&] {
    if (!object) return;
    switch (kind_of(object)) {
      case Kind::tensor: return release_tensor(object, true);
      case Kind::model:
      case Kind::optim: return release_later(object);
    }
    fail_kind();
  });
}
