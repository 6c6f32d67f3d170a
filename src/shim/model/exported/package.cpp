// SPDX-License-Identifier: MIT
// The records of an archive: which program it has, and how it is written back.

#include "model/exported/package.h"

#include <caffe2/serialize/inline_container.h>

#include <string_view>
#include <unordered_set>

#include "core/error.h"
#include "core/text.h"

namespace ftorch::exported {
namespace {

constexpr std::string_view folder = "models/";
constexpr std::string_view ending = ".json";

std::string find_model(const Archive& archive) {
  std::vector<std::string> names;
  for (const Archive::Record& record : archive.records()) {
    const std::string_view path = record.path();
    if (path.starts_with(folder) && path.ends_with(ending) && path.size() > folder.size() + ending.size())
      names.emplace_back(path.substr(folder.size(), path.size() - folder.size() - ending.size()));
  }
  if (names.empty()) fail(ft_model_error, "it has no program");
  if (names.size() == 1) return names[0];
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  fail(ft_model_error, "it has several programs, " + list + "; FTorch loads an archive of one");
}

/// Readers differ in which of two records of one name they take.
void check_names(const Archive& archive) {
  std::unordered_set<std::string_view> paths;
  for (const Archive::Record& record : archive.records()) {
    if (!paths.insert(record.path()).second) fail(ft_model_error, "it has two records " + std::string(record.path()));
  }
}

void check_format(const Archive& archive) {
  if (archive.find("archive_format") && archive.read("archive_format") != "pt2")
    fail(ft_model_error, "it says that it is no archive of PyTorch 2");
  if (archive.find("archive_version") && archive.read("archive_version") != "0")
    fail(ft_model_error, "its archive format has version " + archive.read("archive_version").substr(0, 10) +
                             "; FTorch reads version 0");
  if (archive.find("byteorder") && archive.read("byteorder") != "little")
    fail(ft_model_error, "its numbers are not little-endian");
}

/// LibTorch's writer adds these itself.
bool is_of_writer(std::string_view path) {
  return path == ".data/version" || path == "version" || path == "byteorder" || path == ".data/serialization_id";
}

}  // namespace

Package::Package(const Archive& archive) {
  check_names(archive);
  check_format(archive);
  model_ = find_model(archive);
  const std::string path = std::string(folder) + model_ + std::string(ending);
  const Context context(path.c_str());
  program_ = read_program(archive.read(path));
}

void Package::keep_records(const Archive& archive, const Weights& weights) {
  for (const Archive::Record& record : archive.records()) {
    const std::string path(record.path());
    if (is_of_writer(path)) continue;
    records_.emplace_back(path, weights.memory(path).defined() ? std::string() : archive.read(path));
  }
}

void Package::write(const Weights& weights, const std::function<void(const void*, std::size_t)>& write) const {
  caffe2::serialize::PyTorchStreamWriter writer([&](const void* data, std::size_t size) {
    write(data, size);
    return size;
  });
  // As torch.export.save has it.
  constexpr std::uint64_t file_version = 6;
  writer.setMinVersion(file_version);
  const auto changed = weights.changed_requires_grad();
  for (const auto& [path, bytes] : records_) {
    const at::Tensor memory = weights.memory(path);
    if (memory.defined()) {
      const at::Tensor host = memory.cpu();
      writer.writeRecord(path, host.const_data_ptr(), host.nbytes());
    } else if (!changed.empty() && path == weights.payload_path()) {
      const std::string text = with_requires_grad(bytes, changed);
      writer.writeRecord(path, text.data(), text.size());
    } else {
      writer.writeRecord(path, bytes.data(), bytes.size());
    }
  }
  writer.writeEndOfFile();
}

}  // namespace ftorch::exported
