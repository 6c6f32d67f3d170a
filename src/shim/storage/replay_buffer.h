// SPDX-License-Identifier: MIT
// Rows that came once, of which batches are drawn: a ring of the last ones, or a sample of all.
#pragma once

#include <ATen/core/Generator.h>

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "core/handle.h"
#include "storage/batch.h"
#include "storage/moments.h"
#include "storage/rows.h"
#include "tensor/state_dict.h"
#include "tensor/tensor.h"

namespace ftorch {

/// An array of the program or a tensor that is put.
struct GivenRows {
  FieldName name;
  at::ScalarType dtype;
  Extents sizes;
  Extents strides;
  Order order;
  /// The elements of an array; those of a tensor come from `value`.
  const void* data;
  at::Tensor value;
};

/// Calls may come from several threads: each is done as a whole.
class ReplayBuffer {
 public:
  enum class Policy { ring, reservoir };

  ReplayBuffer(int64_t capacity, Policy policy, std::uint64_t seed);

  /// Adds rows of every field, all or none.
  void put(std::span<GivenRows> fields);
  /// Fills each tensor with rows of one field, the same rows in all; none of them if one cannot be.
  void draw(std::span<const DrawTarget> targets);

  struct Size {
    int64_t count;
    int64_t bytes;
  };
  Size size() const;
  /// One number for each element of a row of a field, in Fortran's order, over all rows that ever came.
  std::vector<double> means(int64_t field) const;
  std::vector<double> deviations(int64_t field) const;

  StateDict state_dict() const;
  void check_state_dict(const StateDict& found) const;
  void load_state_dict(const StateDict& found);

 private:
  struct Field {
    /// Fails when there is no room.
    Field(RowForm given_form, int64_t capacity);
    RowForm form;
    int64_t row_bytes;
    /// [capacity, reversed row], so that the elements of a row lie in Fortran's order.
    at::Tensor rows;
    Moments moments;
  };

  int64_t bytes_of(std::span<const RowForm> forms) const;
  std::vector<Field> allocated(std::span<const RowForm> forms) const;
  void check_count(std::size_t fields) const;
  std::vector<RowForm> forms_for(std::span<const GivenRows> fields) const;
  int64_t count() const { return std::min(rows_put_, capacity_); }
  /// Where a row goes that is number `number` of all; -1 for nowhere.
  int64_t slot_for(int64_t number);
  int64_t random_below(int64_t bound);
  const Field& field_with_moments(int64_t field) const;
  std::vector<RowForm> stored_forms(const StateDict& found) const;

  const int64_t capacity_;
  const Policy policy_;
  at::Generator generator_;
  mutable std::mutex mutex_;
  std::vector<Field> fields_;
  /// How many ever came.
  int64_t rows_put_ = 0;
};

inline constinit Slab<std::shared_ptr<ReplayBuffer>, Kind::replay_buffer> replay_buffers;

}  // namespace ftorch
