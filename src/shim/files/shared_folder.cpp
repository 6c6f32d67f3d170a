// SPDX-License-Identifier: MIT
// Folders of unpacked records: every change is made under one lock; who uses a folder holds a lock in it, which the system
// releases however the process ends.

#include "files/shared_folder.h"

#include <c10/util/hash.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <set>
#include <unordered_map>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "core/text.h"
#include "files/size_signal_block.h"

namespace ftorch {
namespace {

namespace fs = std::filesystem;

constexpr const char* lock_name = "lock";
constexpr const char* in_use_name = "in_use";
constexpr const char* draft_name = "draft";

std::string root_name() {
  const char* const chosen = std::getenv("TMPDIR");
  const std::string folder = chosen && *chosen ? chosen : "/tmp";
  return fs::absolute(folder).string() + "/ftorch-" + std::to_string(geteuid());
}

/// Takes a lock of a kind, LOCK_EX or LOCK_SH; false if another process has it and LOCK_NB is asked for.
bool take_lock(int descriptor, int kind, const std::string& name) {
  while (flock(descriptor, kind) != 0) {
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) fail_io("'" + name + "' cannot be locked", errno);
  }
  return true;
}

/// True while the name still is that of the open file.
bool is_named(int descriptor, const std::string& name) {
  struct stat open{};
  struct stat named{};
  return fstat(descriptor, &open) == 0 && ::stat(name.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

/// The folder of all folders, with its lock held.
class Root {
 public:
  explicit Root(std::string path) : path_(std::move(path)) {
    for (;;) {
      make();
      const std::string name = path_ + "/" + lock_name;
      const int descriptor = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
      // Another process has just removed the folder.
      if (descriptor < 0 && errno == ENOENT) continue;
      if (descriptor < 0) fail_io("'" + name + "' cannot be made", errno);
      lock_.adopt(descriptor);
      take_lock(descriptor, LOCK_EX, name);
      if (is_named(descriptor, name)) return;
      lock_.close();
    }
  }

  const std::string& path() const { return path_; }

  /// Removes folders that no process holds.
  void sweep() noexcept {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(path_, ignored)) {
      if (entry.is_directory(ignored) && !is_held(entry.path().string())) fs::remove_all(entry.path(), ignored);
    }
  }

  /// Removes itself if nothing is in it but the lock.
  void remove_if_empty() noexcept {
    std::error_code ignored;
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(path_, ignored)) count += entry.is_directory(ignored) ? 1 : 0;
    if (count > 0) return;
    ::unlink((path_ + "/" + lock_name).c_str());
    ::rmdir(path_.c_str());
  }

 private:
  /// Makes the folder if there is none. Nobody else may write there: code is run from it.
  void make() const {
    if (::mkdir(path_.c_str(), 0700) != 0 && errno != EEXIST) fail_io("'" + path_ + "' cannot be made", errno);
    struct stat status{};
    if (::lstat(path_.c_str(), &status) != 0) {
      if (errno == ENOENT) return;
      fail_io("'" + path_ + "' cannot be read", errno);
    }
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 022) != 0)
      fail(ft_io_error, "'" + path_ + "' is no folder that this user alone may write");
  }

  static bool is_held(const std::string& folder) noexcept {
    Descriptor in_use;
    in_use.adopt(::open((folder + "/" + in_use_name).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (in_use.number() < 0) return false;
    return flock(in_use.number(), LOCK_EX | LOCK_NB) != 0;
  }

  std::string path_;
  Descriptor lock_;
};

void write_whole(int descriptor, const char* data, std::size_t size, const std::string& name) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail_io("'" + name + "' cannot be written", errno);
    data += written;
    size -= static_cast<std::size_t>(written);
  }
}

std::string_view last_part(std::string_view name) { return name.substr(name.rfind('/') + 1); }

std::string bytes_of(const Archive& archive, const Archive::Record& record) {
  if (record.size > archive.size()) fail(ft_model_error, "it ends before a record does");
  std::string bytes(record.size, '\0');
  archive.read(record, bytes.data());
  return bytes;
}

/// Writes the record unless its file is there: one with its name is whole.
void write_record(const Archive& archive, const Archive::Record& record, const std::string& folder) {
  const std::string name = folder + "/" + std::string(last_part(record.name));
  struct stat status{};
  if (::lstat(name.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
      static_cast<std::uint64_t>(status.st_size) == record.size)
    return;
  const std::string bytes = bytes_of(archive, record);
  const SizeSignalBlock block;
  const std::string draft = folder + "/" + draft_name;
  Descriptor file;
  ::unlink(draft.c_str());
  file.adopt(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.number() < 0) fail_io("'" + draft + "' cannot be made", errno);
  write_whole(file.number(), bytes.data(), bytes.size(), draft);
  if (const int error = file.close()) fail_io("'" + draft + "' cannot be written", error);
  if (::rename(draft.c_str(), name.c_str()) != 0) fail_io("'" + name + "' cannot be written", errno);
}

/// What tells these records from all others.
std::string digest_of(const Archive& archive, const std::vector<const Archive::Record*>& records) {
  std::string text;
  for (const Archive::Record* record : records) {
    text.append(record->name).append(" ").append(std::to_string(record->size)).append(" ");
    // 0 is that of records that were written without.
    if (record->checksum != 0) text.append(std::to_string(record->checksum));
    else text.append(c10::sha1(bytes_of(archive, *record)).str());
    text.append("\n");
  }
  return c10::sha1(text).str();
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

/// Folders that this process holds, by their names. It is never destroyed: the end of the process removes what is left.
struct HeldFolders {
  std::mutex mutex;
  std::unordered_map<std::string, SharedFolder*> folders;
};

HeldFolders& held_folders() {
  static HeldFolders* const folders = new HeldFolders;
  return *folders;
}

}  // namespace

void SharedFolder::hold() {
  const std::string name = path_ + "/" + in_use_name;
  in_use_.adopt(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (in_use_.number() < 0) fail_io("'" + name + "' cannot be made", errno);
  take_lock(in_use_.number(), LOCK_SH, name);
}

std::shared_ptr<const SharedFolder> SharedFolder::unpack(const Archive& archive,
                                                         const std::vector<const Archive::Record*>& records) {
  const Context context("it cannot be unpacked; TMPDIR may name another folder for that");
  static const int registered = std::atexit(remove_all);
  (void)registered;
  // They end when the locks are released, which their own end takes.
  std::shared_ptr<SharedFolder> known;
  std::shared_ptr<SharedFolder> folder;
  const std::lock_guard lock(held_folders().mutex);
  Root root(root_name());
  const std::string path = root.path() + "/" + digest_of(archive, records);
  const auto found = held_folders().folders.find(path);
  if (found != held_folders().folders.end()) known = found->second->weak_from_this().lock();
  if (known && is_named(known->in_use_.number(), path + "/" + in_use_name)) return known;
  root.sweep();
  folder.reset(new SharedFolder(path));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail_io("'" + path + "' cannot be made", errno);
  folder->hold();
  for (const Archive::Record* const record : records) write_record(archive, *record, path);
  held_folders().folders[path] = folder.get();
  return folder;
}

SharedFolder::~SharedFolder() {
  try {
    const std::lock_guard lock(held_folders().mutex);
    const auto found = held_folders().folders.find(path_);
    if (found != held_folders().folders.end() && found->second == this) held_folders().folders.erase(found);
    in_use_.close();
    Root root(parent_of(path_));
    root.sweep();
    root.remove_if_empty();
  } catch (...) {  // The next process removes it.
  }
}

/// Nobody will read the files again: what is loaded from them is in memory.
void SharedFolder::remove_all() noexcept {
  try {
    const std::lock_guard lock(held_folders().mutex);
    if (held_folders().folders.empty()) return;
    std::set<std::string> roots;
    for (const auto& [path, folder] : held_folders().folders) {
      folder->in_use_.close();
      roots.insert(parent_of(path));
    }
    held_folders().folders.clear();
    for (const std::string& path : roots) {
      Root root(path);
      root.sweep();
      root.remove_if_empty();
    }
  } catch (...) {  // The next process removes it.
  }
}

}  // namespace ftorch
