// SPDX-License-Identifier: MIT
// Directory and checksums of ZIP archives.

#include "files/archive.h"

#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "core/error.h"
#include "core/text.h"
#include "files/crc32.h"
#include "files/safetensors.h"

namespace ftorch {
namespace {

constexpr std::size_t end_size = 22;
constexpr std::size_t end64_size = 56;
constexpr std::size_t locator_size = 20;
constexpr std::size_t entry_size = 46;
constexpr std::size_t head_size = 30;
constexpr std::size_t longest_comment = 65535;

[[noreturn]] void fail_damaged(const std::string& how) { fail(ft_model_error, "it is cut short or damaged: " + how); }

/// `size` bytes of the file, which must be there.
std::string bytes_at(const InputFile& file, std::uint64_t position, std::uint64_t size) {
  if (position > file.size() || size > file.size() - position) fail_damaged("its directory is not where it should be");
  std::string bytes(size, '\0');
  file.read(position, bytes.data(), bytes.size());
  return bytes;
}

/// A number at a place, the lowest byte first.
template <class T>
T number_at(std::string_view bytes, std::size_t place) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= T{static_cast<unsigned char>(bytes[place + i])} << 8 * i;
  return value;
}

/// The directory: one entry for each record.
std::string directory_of(const InputFile& file) {
  const std::size_t tail_size = std::min(file.size(), longest_comment + end_size);
  const std::string tail = bytes_at(file, file.size() - tail_size, tail_size);
  const std::size_t end = tail_size < end_size ? tail.npos : tail.rfind("PK\x05\x06", tail_size - end_size);
  if (end == tail.npos) fail_damaged("it has no directory");
  if (end >= locator_size && tail.compare(end - locator_size, 4, "PK\x06\x07") == 0) {
    const std::string end64 = bytes_at(file, number_at<std::uint64_t>(tail, end - locator_size + 8), end64_size);
    return bytes_at(file, number_at<std::uint64_t>(end64, 48), number_at<std::uint64_t>(end64, 40));
  }
  return bytes_at(file, number_at<std::uint32_t>(tail, end + 16), number_at<std::uint32_t>(tail, end + 12));
}

/// A number of an entry that may stand in its extension for 64 bits instead, from which it is taken.
std::uint64_t wide_number(std::uint32_t number, std::string_view& extension) {
  if (number != UINT32_MAX) return number;
  if (extension.size() < 8) fail_damaged("an entry of its directory is cut short");
  const std::uint64_t wide = number_at<std::uint64_t>(extension, 0);
  extension.remove_prefix(8);
  return wide;
}

/// The extension for 64 bits among all of an entry.
std::string_view wide_extension(std::string_view extensions) {
  while (extensions.size() >= 4) {
    const std::size_t size = number_at<std::uint16_t>(extensions, 2);
    if (size > extensions.size() - 4) break;
    if (number_at<std::uint16_t>(extensions, 0) == 1) return extensions.substr(4, size);
    extensions.remove_prefix(4 + size);
  }
  return {};
}

/// One entry of the directory, whose length was checked.
Archive::Record record_of(std::string_view entry, std::size_t name_size) {
  std::string_view extension = wide_extension(
      entry.substr(entry_size + name_size, number_at<std::uint16_t>(entry, 30)));
  Archive::Record record{std::string(entry.substr(entry_size, name_size)), number_at<std::uint32_t>(entry, 16),
                         number_at<std::uint16_t>(entry, 10), 0, 0};
  record.size = wide_number(number_at<std::uint32_t>(entry, 24), extension);
  wide_number(number_at<std::uint32_t>(entry, 20), extension);
  record.position = wide_number(number_at<std::uint32_t>(entry, 42), extension);
  return record;
}

}  // namespace

Archive::Archive(std::shared_ptr<InputFile> file) : file_(std::move(file)) {
  const std::string directory = directory_of(*file_);
  for (std::string_view rest = directory; !rest.empty();) {
    if (rest.size() < entry_size || rest.substr(0, 4) != "PK\x01\x02")
      fail_damaged("an entry of its directory is wrong");
    const std::size_t name_size = number_at<std::uint16_t>(rest, 28);
    const std::size_t others = std::size_t{number_at<std::uint16_t>(rest, 30)} + number_at<std::uint16_t>(rest, 32);
    if (rest.size() < entry_size + name_size + others) fail_damaged("an entry of its directory is cut short");
    if (!is_json_text(std::string(rest.substr(entry_size, name_size))))
      fail_damaged("a name in its directory is no text");
    records_.push_back(record_of(rest, name_size));
    rest.remove_prefix(entry_size + name_size + others);
  }
}

bool Archive::holds(std::string_view part) const {
  return std::any_of(records_.begin(), records_.end(),
                     [&](const Record& record) { return record.name.find(part) != record.name.npos; });
}

const Archive::Record* Archive::find(std::string_view path) const {
  const auto found = std::find_if(records_.begin(), records_.end(),
                                  [&](const Record& record) { return record.path() == path; });
  return found == records_.end() ? nullptr : &*found;
}

void Archive::read(const Record& record, void* data) const {
  const Context context(record.name.c_str());
  if (record.method != 0) fail(ft_model_error, "it is compressed, which PyTorch does not do");
  const std::string head = bytes_at(*file_, record.position, head_size);
  if (head.compare(0, 4, "PK\x03\x04") != 0) fail_damaged("the head of a record is wrong");
  const std::uint64_t begin = record.position + head_size + number_at<std::uint16_t>(head, 26) +
                              number_at<std::uint16_t>(head, 28);
  if (begin > file_->size() || record.size > file_->size() - begin) fail_damaged("it ends before a record does");
  file_->read(begin, data, record.size);
  // torch.serialization.set_crc32_options(False) writes none.
  if (record.checksum != 0 && crc32(0, data, record.size) != record.checksum) fail_damaged("its checksum is wrong");
}

std::string Archive::read(std::string_view path) const {
  const Record* const record = find(path);
  if (!record) fail(ft_model_error, "it has no record " + std::string(path));
  if (record->size > file_->size()) fail_damaged("it ends before a record does");
  std::string bytes(record->size, '\0');
  read(*record, bytes.data());
  return bytes;
}

void Archive::check_records() const {
  constexpr std::size_t chunk_size = std::size_t{1} << 18;
  const std::unique_ptr<char[]> chunk(new char[chunk_size]);
  Context context("it is cut short or damaged");
  caffe2::serialize::PyTorchStreamReader reader(file_);
  for (const Record& record : records_) {
    // torch.serialization.set_crc32_options(False) writes none.
    if (record.checksum == 0) continue;
    // LibTorch leaves out the name of the archive.
    const std::string name = record.name.substr(record.name.find('/') + 1);
    const std::size_t size = reader.getRecordSize(name);
    caffe2::serialize::ChunkRecordIterator chunks = reader.createChunkReaderIter(name, size, chunk_size);
    std::uint32_t checksum = 0;
    for (std::size_t done = 0; done < size;) {
      const std::size_t got = chunks.next(chunk.get());
      if (got == 0) fail(ft_model_error, name + " cannot be read");
      checksum = crc32(checksum, chunk.get(), got);
      done += got;
    }
    if (checksum != record.checksum) fail(ft_model_error, "the checksum of " + name + " is wrong");
  }
}

}  // namespace ftorch
