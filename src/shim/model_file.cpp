// SPDX-License-Identifier: MIT
// Files of models: told apart by what is in them, written under another name first.

#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string_view>

#include <sys/stat.h>
#include <unistd.h>

#include "model.h"
#include "text.h"
#include "torchscript.h"

namespace ftorch {
namespace {

[[noreturn]] void fail_io(const std::string& what, int error) {
  fail(ft_io_error, what + ": " + std::strerror(error));
}

[[noreturn]] void fail_format(const std::string& what) {
  fail(ft_model_error, what + "; save the model with torch.jit.save, from torch.jit.script or torch.jit.trace");
}

/// The first bytes of a file that can be read.
std::string beginning_of(const std::string& filename) {
  struct stat status;
  if (stat(filename.c_str(), &status) != 0) fail_io("it cannot be read", errno);
  if (S_ISDIR(status.st_mode)) fail_io("it cannot be read", EISDIR);
  std::ifstream file(filename, std::ios::binary);
  if (!file) fail_io("it cannot be read", errno);
  std::string bytes(8, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
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
    {"\x7f" "ELF", "a program or library"},
    {"version https://git-lfs", "a Git LFS pointer instead of the file"},
};

void check_is_archive(const std::string& filename) {
  const std::string bytes = beginning_of(filename);
  if (bytes.empty()) fail_format("the file is empty");
  if (bytes.rfind("PK\x03\x04", 0) == 0) return;
  for (const Format& format : formats) {
    if (bytes.rfind(format.magic.substr(0, bytes.size()), 0) == 0) fail_format(std::string("it is ") + format.name);
  }
  fail_format("it is no TorchScript archive");
}

std::vector<std::string> records_of(const std::string& filename) {
  Context context("it is cut short or damaged");
  return caffe2::serialize::PyTorchStreamReader(filename).getAllRecords();
}

void check_is_torchscript(const std::string& filename) {
  const std::vector<std::string> records = records_of(filename);
  const auto holds = [&](std::string_view part) {
    return std::any_of(records.begin(), records.end(),
                       [&](const std::string& one) { return one.find(part) != one.npos; });
  };
  if (holds("constants.pkl")) return;
  if (holds("aotinductor")) fail_format("it is a package of AOTInductor");
  if (holds("exported_program") || holds("models/")) fail_format("it is an exported program of torch.export");
  if (holds("data.pkl")) fail_format("it holds weights or a pickled module, written by torch.save, but no program");
  fail_format("it is no TorchScript archive");
}

/// A file beside `filename` that is gone again unless it took its name.
class Draft {
 public:
  explicit Draft(const std::string& filename)
      : filename_(filename), draft_(filename + ".part" + std::to_string(getpid())) {}
  ~Draft() {
    if (!done_) std::remove(draft_.c_str());
  }
  Draft(const Draft&) = delete;
  Draft& operator=(const Draft&) = delete;

  const std::string& name() const { return draft_; }
  void take_name() {
    if (std::rename(draft_.c_str(), filename_.c_str()) != 0) fail_io("it cannot be written", errno);
    done_ = true;
  }

 private:
  std::string filename_;
  std::string draft_;
  bool done_ = false;
};

}  // namespace

std::shared_ptr<Model> load_model(const std::string& filename, at::Device device) {
  const std::string subject = "'" + filename + "'";
  Context context(subject.c_str());
  check_is_archive(filename);
  check_is_torchscript(filename);
  return load_torchscript(filename, device);
}

void save_model(const Model& model, const std::string& filename) {
  const std::string subject = "'" + filename + "'";
  Context context(subject.c_str());
  Draft draft(filename);
  std::ofstream file(draft.name(), std::ios::binary);
  if (!file) fail_io("it cannot be written", errno);
  model.save(file);
  file.close();
  if (!file) fail_io("it cannot be written", errno);
  draft.take_name();
}

}  // namespace ftorch
