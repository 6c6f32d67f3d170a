// SPDX-License-Identifier: MIT
// The end of objects of each kind.

#include "guard.h"
#include "model.h"
#include "optim.h"
#include "tensor.h"

using namespace ftorch;

int ft_release(ft_handle object) {
  return guard(ft_internal_error, [&] {
    if (!object) return;
    switch (kind_of(object)) {
      case Kind::tensor: return tensors.release(object);
      case Kind::model: return models.release(object);
      case Kind::optim: return optims.release(object);
    }
    fail(ft_invalid_argument, "the object is no handle of this library");
  });
}
