// SPDX-License-Identifier: MIT
// Lines of metrics files, whole ones in the file.

#include "loop/metrics.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/guard.h"
#include "core/text.h"
#include "files/size_signal_block.h"

namespace ftorch {
namespace {

const char* const not_written = "it cannot be written";
const char* const not_read = "it cannot be read";
constexpr mode_t permissions = 0666;

/// A name as a field of CSV.
std::string field_of(const std::string& name) {
  if (name.find_first_of("\",") == name.npos) return name;
  std::string field = "\"";
  for (const char c : name) field.append(c == '"' ? 2 : 1, c);
  return field + '"';
}

std::string header_of(const std::vector<std::string>& columns) {
  std::string header = "step";
  if (columns.empty()) fail(ft_invalid_argument, "columns is empty: a record has at least one value beside the step");
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string& name = columns[i];
    Context context("columns", static_cast<std::int64_t>(i));
    if (name.empty()) fail(ft_invalid_argument, "the name is empty");
    if (name.find_first_of("\r\n") != name.npos) fail(ft_invalid_argument, "the name has a line end");
    const auto others = columns.begin() + static_cast<std::ptrdiff_t>(i);
    if (name == "step" || std::find(columns.begin(), others, name) != others)
      fail(ft_invalid_argument, "'" + name + "' is the name of a column before it");
    header.append(",").append(field_of(name));
  }
  return header;
}

/// The shortest text that is this very number.
void append_number(std::string& line, double value) {
  if (!std::isfinite(value)) {
    line += std::isnan(value) ? "NaN" : value > 0 ? "Inf" : "-Inf";
    return;
  }
  char text[32];
  line.append(text, std::to_chars(text, text + sizeof(text), value).ptr);
}

/// The bytes of a file from a place on, at most `size`.
std::string read_at(const Descriptor& file, std::int64_t place, std::size_t size) {
  std::string bytes(size, '\0');
  const ssize_t got = ::pread(file.number(), bytes.data(), size, place);
  if (got < 0) fail_io(not_read, errno);
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

std::int64_t size_of(const Descriptor& file) {
  struct stat status;
  if (fstat(file.number(), &status) != 0) fail_io(not_read, errno);
  require_regular(status, not_written);
  return status.st_size;
}

void cut(const Descriptor& file, std::int64_t size) {
  if (::ftruncate(file.number(), size) != 0) fail_io(not_written, errno);
}

/// A line without what does not count: byte order mark, carriage return.
std::string_view plain(std::string_view line) {
  if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool is_comment(std::string_view line) {
  const auto first = line.find_first_not_of(" \t");
  return first == line.npos || line[first] == '#';
}

}  // namespace

Metrics::Metrics(const std::string& filename, const std::vector<std::string>& columns, bool append)
    : subject_(file_subject(filename)), columns_(columns.size()), header_(header_of(columns)) {
  Context context(subject_.c_str());
  struct stat status;
  // Before it is opened: that of a named pipe waits for a reader.
  if (::stat(filename.c_str(), &status) == 0) require_regular(status, not_written);
  const int number = ::open(filename.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, permissions);
  if (number < 0) fail_io(not_written, errno);
  file_.adopt(number);
  std::int64_t size = size_of(file_);
  bool has_header = false;
  std::int64_t end = append ? end_of_lines(size, has_header) : 0;
  // Another process may be in the middle of a line; what a crash left grows no more.
  for (std::int64_t before = -1; append && end < size && before != size;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    before = std::exchange(size, size_of(file_));
    has_header = false;
    end = end_of_lines(size, has_header);
  }
  if (end < size) cut(file_, end);
  if (!has_header) write_line(header_ + "\n");
}

std::int64_t Metrics::end_of_lines(std::int64_t size, bool& has_header) const {
  constexpr std::size_t longest_head = std::size_t{1} << 20;
  const std::string head = read_at(file_, 0, std::min<std::size_t>(static_cast<std::size_t>(size), longest_head));
  std::string_view rest = head;
  while (!has_header) {
    const auto line_end = rest.find('\n');
    const std::string_view line = plain(rest.substr(0, line_end));
    const bool is_whole = line_end != rest.npos;
    if (!is_comment(line) && (is_whole ? line != header_ : !header_.starts_with(line)))
      fail(ft_invalid_argument, "the columns of the file are '" + std::string(line.substr(0, 200)) + "', not '" +
                                    header_ + "'; give append=.false. to replace it");
    has_header = is_whole && !is_comment(line);
    if (!is_whole) break;
    rest.remove_prefix(line_end + 1);
  }
  constexpr std::int64_t chunk = 1 << 16;
  for (std::int64_t end = size; end > 0; end -= std::min(end, chunk)) {
    const std::int64_t start = end - std::min(end, chunk);
    const std::string tail = read_at(file_, start, static_cast<std::size_t>(end - start));
    if (const auto last = tail.rfind('\n'); last != tail.npos) return start + static_cast<std::int64_t>(last) + 1;
  }
  return 0;
}

void Metrics::write_line(const std::string& line) {
  const SizeSignalBlock block;
  const std::int64_t before = size_of(file_);
  ssize_t written;
  do written = ::write(file_.number(), line.data(), line.size());
  while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(line.size())) return;
  int error = errno;
  // A part was written: the disk is full, or a limit reached, which the next write tells.
  if (written >= 0) {
    const std::size_t done = static_cast<std::size_t>(written);
    error = ::write(file_.number(), line.data() + done, line.size() - done) < 0 ? errno : ENOSPC;
    cut(file_, before);
  }
  fail_io(not_written, error);
}

void Metrics::write(std::int64_t step, std::span<const double> values, const std::int32_t* is_present) {
  if (values.size() != columns_)
    fail(ft_shape_mismatch, "values has " + std::to_string(values.size()) + " entries; the file has " +
                                std::to_string(columns_) + " columns beside the step");
  std::string line = std::to_string(step);
  for (std::size_t i = 0; i < values.size(); ++i) {
    line += ',';
    if (!is_present || is_present[i]) append_number(line, values[i]);
  }
  line += '\n';
  const std::lock_guard lock(mutex_);
  Context context(subject_.c_str());
  write_line(line);
}

}  // namespace ftorch

using namespace ftorch;

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace

int ft_metrics_open(const char* filename, const char* columns, int append, ft_handle* out) {
  return guard(ft_io_error, [&] {
    required(out, "out");
    const auto names = lines_of(required(columns, "columns"));
    *out = metrics.acquire(std::make_shared<Metrics>(required(filename, "filename"), names, append != 0));
  });
}

int ft_metrics_copy(ft_handle file, ft_handle* out) {
  return guard<true>(ft_internal_error, [&] {
    required(out, "out");
    *out = metrics.acquire(metrics.get(file, "the metrics file"));
  });
}

int ft_metrics_write(ft_handle file, int64_t step, const double* values, int64_t size, const int32_t* is_present) {
  return guard(ft_io_error, [&] {
    if (size > 0) required(values, "values");
    metrics.get(file, "the metrics file")
        ->write(step, {values, static_cast<std::size_t>(std::max<int64_t>(size, 0))}, is_present);
  });
}
