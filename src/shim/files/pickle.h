// SPDX-License-Identifier: MIT
// Dictionaries of tensors in files that Python's torch.save wrote. LibTorch's own unpickler takes no OrderedDict.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "files/input_file.h"

namespace ftorch {

/// The tensors of a dictionary, on the host, in its order; they may share memory. Of Python's objects none is made but dicts,
/// lists, numbers, texts and tensors: a file that needs others, or holds other things beside tensors, is refused.
std::vector<std::pair<std::string, at::Tensor>> read_pickled_tensors(const std::shared_ptr<InputFile>& file);

}  // namespace ftorch
