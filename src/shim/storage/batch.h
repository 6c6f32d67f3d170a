// SPDX-License-Identifier: MIT
// A tensor that receives a batch of rows: its own memory wherever that lies as the rows do.
#pragma once

#include <cstring>
#include <optional>
#include <span>

#include "storage/rows.h"
#include "tensor/tensor.h"

namespace ftorch {

/// What messages call a field: "x", or "fields(2)" for index 1.
struct FieldName {
  const char* name;
  int64_t index = -1;
};

struct DrawTarget {
  FieldName name;
  Tensor* tensor;
};

/// Fails when two targets have memory in common.
void check_apart(std::span<const DrawTarget> targets);

class BatchPart {
 public:
  /// Fails unless rows of the form fit.
  BatchPart(const DrawTarget& target, const RowForm& form);

  int64_t count() const { return layout_.count; }
  /// What may fail: room for the rows, and copies for graphs that hold what stands there.
  void prepare();
  void add(const char* row) {
    std::memcpy(next_, row, row_bytes_);
    next_ += row_bytes_;
  }
  /// Fits rows that are not in the target yet; fails for want of memory alone.
  void finish();
  void commit();

 private:
  bool is_written_directly() const;

  Tensor& target_;
  const RowForm& form_;
  RowLayout layout_;
  std::size_t row_bytes_;
  char* next_ = nullptr;
  /// The rows as they are, where the target is elsewhere or otherwise.
  at::Tensor rows_;
  std::optional<PendingWrite> write_;
};

}  // namespace ftorch
