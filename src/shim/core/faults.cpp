// SPDX-License-Identifier: MIT
// Which status a failure has that LibTorch found: its exceptions have no class for it, so the words of their messages tell.

#include "core/faults.h"

#include "ftorch.h"

namespace ftorch {
namespace {

struct FaultWords {
  std::string_view words;
  int status;
};

/// The first row whose words are in the message counts; zero leaves the status as it is.
constexpr FaultWords faults[] = {
    // A number that is out of range.
    {"out of bounds", 0},
    {"out of range for", 0},
    {"index out of range", 0},
    {"must be non-negative", 0},
    {"shifts and dimensions must align", 0},
    // A device that is not there.
    {"PyTorch is not linked with support for", ft_device_unavailable},
    {"without ATen_cuda library", ft_device_unavailable},
    {"Could not run 'aten::empty", ft_device_unavailable},
    // Element types.
    {"dtype", ft_dtype_mismatch},
    {"datatype", ft_dtype_mismatch},
    {"scalar type", ft_dtype_mismatch},
    {"not implemented for '", ft_dtype_mismatch},
    {"complex input", ft_dtype_mismatch},
    {"floating point type", ft_dtype_mismatch},
    {"LongTensor", ft_dtype_mismatch},
    {"BoolTensor", ft_dtype_mismatch},
    {"bool tensor", ft_dtype_mismatch},
    {"boolean tensor", ft_dtype_mismatch},
    {"desired output type", ft_dtype_mismatch},
    {"Input type (", ft_dtype_mismatch},
    {"should be the same type", ft_dtype_mismatch},
    {"Integers to negative integer powers", ft_dtype_mismatch},
    // Shapes.
    {"shape", ft_shape_mismatch},
    {"imension", ft_shape_mismatch},
    {"size mismatch", ft_shape_mismatch},
    {"sizes", ft_shape_mismatch},
    {"Sizes", ft_shape_mismatch},
    {"size of", ft_shape_mismatch},
    {"of size", ft_shape_mismatch},
    {"nput size", ft_shape_mismatch},
    {"nput_size", ft_shape_mismatch},
    {"arget size", ft_shape_mismatch},
    {"batch_size", ft_shape_mismatch},
    {"equal size", ft_shape_mismatch},
    {"has size", ft_shape_mismatch},
    {"size does not match", ft_shape_mismatch},
    {"xpected size", ft_shape_mismatch},
    {"tensor size", ft_shape_mismatch},
    {"number of elements", ft_shape_mismatch},
    {"elements not", ft_shape_mismatch},
    {"elements in a list but found", ft_shape_mismatch},
    {"values per channel", ft_shape_mismatch},
    {"value per channel", ft_shape_mismatch},
    {"channel size", ft_shape_mismatch},
    {"number of channels", ft_shape_mismatch},
    {"channels, but got", ft_shape_mismatch},
    {"square matrices", ft_shape_mismatch},
    {"at least 1D", ft_shape_mismatch},
    {"D input (got", ft_shape_mismatch},
    {"3D or 4D", ft_shape_mismatch},
    {"D (unbatched)", ft_shape_mismatch},
    {"D tensor", ft_shape_mismatch},
    {"-D argument", ft_shape_mismatch},
    {"0D or 1D target", ft_shape_mismatch},
    {"3D, 4D and 5D", ft_shape_mismatch},
    {"number of columns", ft_shape_mismatch},
    {"expected a matrix", ft_shape_mismatch},
    {"must have length", ft_shape_mismatch},
    {"should match other.size", ft_shape_mismatch},
    {"do not broadcast", ft_shape_mismatch},
    {"does not broadcast", ft_shape_mismatch},
};

}  // namespace

int status_of_message(std::string_view message, int other) noexcept {
  for (const FaultWords& row : faults) {
    if (message.find(row.words) != message.npos) return row.status != 0 ? row.status : other;
  }
  return other;
}

}  // namespace ftorch
