// SPDX-License-Identifier: MIT
// Writing into a part of a tensor, in the graph.

#include <ATen/core/grad_mode.h>
#include <ATen/ops/slice_scatter.h>

#include "core/guard.h"
#include "tensor/alias_registry.h"
#include "tensor/autocast.h"
#include "tensor/convert.h"
#include "tensor/direct_write.h"
#include "tensor/elements.h"
#include "tensor/region.h"
#include "tensor/tensor.h"

using namespace ftorch;

namespace {

/// Elements first to last along a dimension, which count from 1; none if last is first - 1.
struct Section {
  int64_t dim;
  int64_t first;
  int64_t last;
};

void check_section(const at::Tensor& whole, const Section& section) {
  const auto [dim, first, last] = section;
  const std::string shape = "; the tensor has shape " + shape_text(whole.sizes());
  if (dim < 1 || dim > whole.dim())
    fail(ft_invalid_argument, "dim is " + std::to_string(dim) +
                                  (whole.dim() == 0 ? ", but the tensor has no dimensions"
                                                    : ", not from 1 to " + std::to_string(whole.dim()) + shape));
  const int64_t extent = whole.size(dim - 1);
  if (first < 1 || last > extent || last < first - 1)
    fail(ft_invalid_argument, "first is " + std::to_string(first) + " and last is " + std::to_string(last) +
                                  ", no section of the " + std::to_string(extent) + " elements along dim " +
                                  std::to_string(dim) + shape);
}

/// The values in the shape and dtype of the section: one number fills it.
at::Tensor section_values(const at::Tensor& values, const at::Tensor& whole, at::IntArrayRef shape) {
  if (!is_taken(whole.scalar_type(), values.scalar_type()))
    fail(ft_dtype_mismatch,
         "values has dtype " + dtype_name(values.scalar_type()) + ", the tensor " + dtype_name(whole.scalar_type()));
  if (values.device() != whole.device())
    fail(ft_invalid_argument, "values is on " + values.device().str() + ", the tensor on " + whole.device().str());
  const at::Tensor numbers = values.to(whole.scalar_type());
  if (values.dim() == 0) return numbers.expand(shape);
  if (!is_equal_but_for_ones(values.sizes(), shape))
    fail(ft_shape_mismatch,
         "values has shape " + shape_text(values.sizes()) + ", the section has shape " + shape_text(shape));
  return numbers.reshape(shape);
}

/// True when numbers may be written over those of x, whose memory nobody else sees, and no graph is wanted.
bool may_write_over(const Tensor& whole, const Tensor& part) {
  const at::Tensor& value = whole.value;
  if (part.value.requires_grad() && at::GradMode::is_enabled()) return false;
  if (whole.attached.defined()) return is_array_alone(whole);
  return !whole.parameter && !whole.is_exposed() && !value.requires_grad() && !is_shared(value, 1) &&
         value.layout() == at::kStrided && !value.is_conj() && !value.is_neg() && !is_expanded(value);
}

void write_over(Tensor& whole, const Section& section, at::Tensor values) {
  const at::NoGradGuard no_grad;
  const at::Tensor memory = whole.value.narrow(section.dim - 1, section.first - 1, section.last - section.first + 1);
  values = section_values(values, whole.value, memory.sizes());
  copy_numbers(memory, overlap(memory, values) ? values.clone() : values);
  forget_casts();
  whole.temporary = false;
}

}  // namespace

int ft_tensor_set_slice(ft_handle* target, int64_t dim, int64_t first, int64_t last, ft_handle values) {
  return guard(ft_invalid_argument, [&] {
    Tensor& whole = tensor(*required(target, "x"), "x");
    Tensor& part = tensor(values, "values");
    const Section section{dim, first, last};
    check_section(whole.value, section);
    if (may_write_over(whole, part)) {
      write_over(whole, section, part.value);
      *target = tensors.renew(*target);
      return;
    }
    std::vector<int64_t> shape = whole.value.sizes().vec();
    shape[static_cast<std::size_t>(dim - 1)] = last - first + 1;
    // As an assignment: a parameter, and a leaf that gets numbers without a graph, stay what they are.
    const at::AutoGradMode mode(at::GradMode::is_enabled() && !writes_in_place(whole, part.value));
    set_value(whole,
              recorded(whole, part,
                       [&](const at::Tensor& old, const at::Tensor& given) {
                         return at::slice_scatter(old, section_values(given, old, shape), dim - 1, first - 1, last);
                       }),
              Write::result);
    *target = tensors.renew(*target);
  });
}
