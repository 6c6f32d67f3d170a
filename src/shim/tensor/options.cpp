// SPDX-License-Identifier: MIT
// What a caller asks of a new tensor, checked.

#include "tensor/options.h"

#include <limits>

namespace ftorch {

TensorSpec parse_options(const ft_options* options) {
  required(options, "options");
  const c10::ScalarType dtype = dtype_of(options->dtype);
  const bool requires_grad = options->requires_grad == 1;
  if (requires_grad && !c10::isFloatingType(dtype) && !c10::isComplexType(dtype))
    fail(ft_dtype_mismatch, "only real and complex tensors can have requires_grad, not " + dtype_name(dtype));
  return {dtype, device_of(options->device_type, options->device_index), requires_grad};
}

c10::IntArrayRef shape_of(int ndims, const int64_t* shape, int64_t shape_size, c10::ScalarType dtype) {
  if (ndims != shape_size)
    fail(ft_invalid_argument,
         "ndims is " + std::to_string(ndims) + ", but the shape has " + std::to_string(shape_size) + " extents");
  if (ndims > 0) required(shape, "shape");
  const c10::IntArrayRef sizes(shape, static_cast<std::size_t>(ndims));
  int64_t bytes = static_cast<int64_t>(c10::elementSize(dtype));
  for (const int64_t extent : sizes) {
    if (extent < 0) fail(ft_invalid_argument, "shape " + shape_text(sizes) + " has a negative extent");
    if (extent > 0 && bytes > std::numeric_limits<int64_t>::max() / extent)
      fail(ft_invalid_argument, "shape " + shape_text(sizes) + " has more elements than can be counted");
    bytes *= extent > 0 ? extent : 1;
  }
  return sizes;
}

}  // namespace ftorch
