// SPDX-License-Identifier: MIT
// Files of the safetensors format: named tensors and texts. https://github.com/huggingface/safetensors#format
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "files/input_file.h"

namespace ftorch {

struct SafeTensors {
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  std::map<std::string, std::string> texts;
};

/// True for a file that begins as one of this format.
bool is_safetensors(const InputFile& file);

/// True for a text that JSON can hold: UTF-8.
bool is_json_text(const std::string& text);

/// Fails for a name that files of ours have a meaning for: of a tensor or a text, a user's would be lost.
void check_free_name(const std::string& name);

/// The whole file, on the host. Fails for one that is cut short, damaged, newer than this library, or of dtypes that LibTorch
/// lacks. Files of ours have checksums; those of others have none and are believed if they are consistent.
SafeTensors read_safetensors(const InputFile& file);

/// The head that a file with these tensors would have, in the order of the file, in which it puts them, dense on the host.
std::string settle(SafeTensors& content);
/// What has this head; the tensors' elements are yet to come.
SafeTensors from_head(const std::string& head);
/// The bytes of a tensor of either.
struct Bytes {
  void* data;
  std::int64_t size;
};
Bytes bytes_of(const at::Tensor& tensor);

/// Writes the file whole or not at all. One tensor at a time is copied, if it is not dense on the host. Fails for a
/// name that is not free.
void write_safetensors(const std::string& filename, const SafeTensors& content);

}  // namespace ftorch
