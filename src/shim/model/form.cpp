// SPDX-License-Identifier: MIT
// Entries for dtypes and sizes of inputs and outputs.

#include <algorithm>

#include "core/guard.h"
#include "core/text.h"
#include "model/model.h"
#include "tensor/convert.h"

namespace ftorch {

std::vector<Form> Model::forms(Side) const {
  fail(ft_model_error,
       "a TorchScript file does not say the dtypes and sizes that it takes and returns; one of "
       "torch.export does");
}

}  // namespace ftorch

using namespace ftorch;

namespace {

Form form_of(ft_handle model, int part, int64_t index) {
  if (part != 1 && part != 2) fail(ft_invalid_argument, "part " + std::to_string(part) + " is none of 1, 2");
  const std::vector<Form> forms = models.get(model, "the model")->forms(part == 1 ? Side::inputs : Side::outputs);
  if (index < 1 || index > static_cast<int64_t>(forms.size()))
    fail(ft_invalid_argument, "i is " + std::to_string(index) + "; the model has " + std::to_string(forms.size()) +
                                  (part == 1 ? " inputs" : " outputs") + ", counted from 1");
  return forms[static_cast<std::size_t>(index - 1)];
}

}  // namespace

int ft_model_form(ft_handle model, int part, int64_t index, int32_t* dtype, int32_t* rank) {
  return guard(ft_model_error, [&] {
    const Form form = form_of(model, part, index);
    required(rank, "rank");
    *required(dtype, "dtype") = dtype_code(form.dtype);
    *rank = static_cast<int32_t>(form.sizes.size());
  });
}

int ft_model_sizes(ft_handle model, int part, int64_t index, int64_t* least, int64_t* most, int64_t size) {
  return guard(ft_model_error, [&] {
    const Form form = form_of(model, part, index);
    if (size != static_cast<int64_t>(form.sizes.size()))
      fail(ft_invalid_argument, "there is room for " + std::to_string(size) + " sizes; it has " +
                                    std::to_string(form.sizes.size()) + " dimensions");
    if (size == 0) return;
    required(least, "least");
    required(most, "most");
    for (const SizeRange& range : form.sizes) {
      *least++ = range.least;
      *most++ = range.most;
    }
  });
}
