// SPDX-License-Identifier: MIT
// Metrics files: a line of CSV for each record, as docs/reference/ftorch-metrics.md describes them.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/handle.h"
#include "files/system_file.h"

namespace ftorch {

class Metrics {
 public:
  /// Opens a file to append to, or an empty one. What a crash left of a last line is cut off. Fails for a file that has other
  /// columns, which it leaves as it is.
  Metrics(const std::string& filename, const std::vector<std::string>& columns, bool append);

  /// One record in one write; `is_missing[i]` leaves field i empty. After a failure the file ends with the record before.
  void write(std::int64_t step, std::span<const double> values, const std::int32_t* is_present);

 private:
  /// Where the whole lines end, and whether the header is there; fails for another one.
  std::int64_t end_of_lines(std::int64_t size, bool& has_header) const;
  void write_line(const std::string& line);

  std::string subject_;
  std::size_t columns_;
  std::string header_;
  Descriptor file_;
  std::mutex mutex_;
};

inline constinit Slab<std::shared_ptr<Metrics>, Kind::metrics> metrics;

}  // namespace ftorch
