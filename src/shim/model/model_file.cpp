// SPDX-License-Identifier: MIT
// Files of models, told apart by what is in them.

#include <algorithm>
#include <string_view>

#include "core/text.h"
#include "files/archive.h"
#include "files/atomic_file.h"
#include "model/aoti/compiled_model.h"
#include "model/exported/exported_program.h"
#include "model/model.h"
#include "model/torchscript.h"

namespace ftorch {
namespace {

[[noreturn]] void fail_format(const std::string& what) {
  fail(ft_model_error,
       what + "; save the model with torch.export.save, from torch.export.export, or with torch.jit.save");
}

struct Format {
  std::string_view magic;
  const char* name;
};

constexpr Format formats[] = {
    {"\x80", "a Python pickle, written by torch.save"},
    {"\x89HDF", "an HDF5 file"},
    {"CDF", "a netCDF file"},
    {"\x93NUMPY", "a NumPy array"},
    {"\x7f"
     "ELF",
     "a program or library"},
    {"version https://git-lfs", "a Git LFS pointer instead of the file"},
};

void check_is_archive(const InputFile& file) {
  std::string bytes(std::min<std::size_t>(file.size(), 8), '\0');
  file.read(0, bytes.data(), bytes.size());
  if (bytes.empty()) fail_format("the file is empty");
  if (bytes.rfind("PK\x03\x04", 0) == 0) return;
  for (const Format& format : formats) {
    if (bytes.rfind(format.magic.substr(0, bytes.size()), 0) == 0) fail_format(std::string("it is ") + format.name);
  }
  fail_format("it is no archive of a model");
}

void check_is_torchscript(const Archive& archive) {
  if (archive.holds("constants.pkl")) return;
  if (archive.holds("exported_program")) fail_format("it is an exported program in the format of PyTorch before 2.8");
  if (archive.holds("data.pkl"))
    fail_format("it holds weights or a pickled module, written by torch.save, but no program");
  fail_format("it is no archive of a model");
}

std::shared_ptr<Model> load(const Archive& archive, const std::shared_ptr<InputFile>& file, at::Device device) {
  if (has_compiled_model(archive)) return load_compiled_model(archive, device);
  if (has_exported_program(archive)) return load_exported_program(archive, device);
  check_is_torchscript(archive);
  archive.check_records();
  return load_torchscript(file, device);
}

}  // namespace

std::shared_ptr<Model> load_model(const std::string& filename, at::Device device) {
  const std::string subject = file_subject(filename);
  Context context(subject.c_str());
  const auto file = std::make_shared<InputFile>(filename);
  check_is_archive(*file);
  const Archive archive(file);
  const std::shared_ptr<Model> model = load(archive, file, device);
  const std::string path = std::string("extra/") + metadata_name;
  if (archive.find(path)) model->set_metadata(archive.read(path));
  return model;
}

void save_model(const Model& model, const std::string& filename) {
  const std::string subject = file_subject(filename);
  Context context(subject.c_str());
  AtomicFile file(filename);
  model.save([&](const void* data, std::size_t size) { file.write(data, size); });
  file.commit();
}

}  // namespace ftorch
