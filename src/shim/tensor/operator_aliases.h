// SPDX-License-Identifier: MIT
// What schemas of operators do not say of the memory of their arguments and results.
#pragma once

#include <ATen/core/function_schema.h>

#include <string_view>

namespace ftorch {

/// False for an operator that may return what it is given without a word in its schema, as composite ones such as dropout do.
bool is_fresh(const c10::FunctionSchema& schema);

/// True for an argument that the schema says is written, or that a normalisation writes unless its `training` is false.
bool may_write(const c10::FunctionSchema& schema, std::size_t argument);

/// True for the argument that says whether a normalisation writes its statistics.
bool is_mode_of_statistics(const c10::Argument& argument);

/// True for an operator that does more than compute with tensors, with files, other processes or gradients: `aten::from_file`.
bool reaches_beyond_tensors(std::string_view name);

}  // namespace ftorch
