// SPDX-License-Identifier: MIT
// Codes of the catalog to LibTorch's types and back, with the errors that belong to codes that are none.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>
#include <c10/util/ArrayRef.h>

#include <cstdint>
#include <string>

namespace at {
class Tensor;
}

namespace ftorch {

/// Element type of a code; ft_invalid_argument when the catalog has none.
c10::ScalarType dtype_of(int code);
/// Code of an element type; ft_dtype_mismatch when the catalog has none.
int dtype_code(c10::ScalarType dtype);
/// Name in PyTorch, such as float32.
std::string dtype_name(c10::ScalarType dtype);

/// Device type of a code; ft_invalid_argument when the catalog has none.
c10::DeviceType device_type_of(int code);
/// Device of a code and an index, -1 for the default; ft_device_unavailable when it is not there.
c10::Device device_of(int type, int index);
int device_code(c10::DeviceType type);
/// Name in PyTorch, such as "cpu", with those of types which have the same code: "hip or cuda".
std::string device_name(c10::DeviceType type);

/// True when dtype `to` holds every number of dtype `from`.
bool keeps_numbers(c10::ScalarType to, c10::ScalarType from);
/// True when what has dtype `from` is written to what has `to` without being asked: numbers are kept, and stay real or complex.
/// In a region of autocast that holds for the dtypes that it brings about as well.
bool is_taken(c10::ScalarType to, c10::ScalarType from);
bool is_equal_but_for_ones(c10::IntArrayRef a, c10::IntArrayRef b);

/// "[2, 3]"
std::string shape_text(c10::IntArrayRef shape);

/// "float32 [2, 3]"
std::string form_text(const at::Tensor& tensor);

}  // namespace ftorch
