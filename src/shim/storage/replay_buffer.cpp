// SPDX-License-Identifier: MIT
// Rows into the buffer, and batches out of it.

#include "storage/replay_buffer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/DistributionsHelper.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <c10/util/safe_numerics.h>

#include <cstring>

#include "core/text.h"
#include "storage/batch.h"
#include "tensor/convert.h"
#include "tensor/plain.h"

namespace ftorch {
namespace {

std::string number_of_rows(int64_t count) { return std::to_string(count) + (count == 1 ? " row" : " rows"); }

/// The layout of rows of a form; fails for others.
RowLayout checked_layout(const GivenRows& given, const RowForm& form) {
  if (given.dtype != form.dtype)
    fail(ft_dtype_mismatch,
         "the dtype is " + dtype_name(given.dtype) + "; rows of this field have " + dtype_name(form.dtype));
  const auto layout = layout_of({given.sizes, given.strides}, form.shape, given.order);
  if (!layout)
    fail(ft_shape_mismatch, "the shape is " + shape_text(given.sizes) + "; a row of this field is " +
                                accepted_shapes(form.shape, given.order));
  return *layout;
}

/// The address of the rows, one after the other; `copy` owns them where they did not lie so.
const char* dense_rows(const GivenRows& given, const RowLayout& layout, at::Tensor& copy) {
  if (!given.value.defined()) return static_cast<const char*>(given.data);
  copy = sample_first(given.value.detach(), layout).to(at::kCPU).resolve_conj().resolve_neg().contiguous();
  return static_cast<const char*>(copy.const_data_ptr());
}

}  // namespace

ReplayBuffer::Field::Field(RowForm given_form, int64_t capacity)
    : form(std::move(given_form)), row_bytes(form.bytes()), moments(form) {
  Extents shape = form.reversed();
  shape.insert(shape.begin(), capacity);
  rows = at::empty(shape, form.dtype);
}

ReplayBuffer::ReplayBuffer(int64_t capacity, Policy policy, std::uint64_t seed)
    : capacity_(capacity), policy_(policy), generator_(at::make_generator<at::CPUGeneratorImpl>(seed)) {
  if (capacity < 1) fail(ft_invalid_argument, "capacity is " + std::to_string(capacity) + "; it must be at least 1");
}

int64_t ReplayBuffer::random_below(int64_t bound) {
  const at::uniform_int_from_to_distribution<int64_t> uniform(static_cast<std::uint64_t>(bound), 0);
  return uniform(generator_.get<at::CPUGeneratorImpl>());
}

int64_t ReplayBuffer::slot_for(int64_t number) {
  if (policy_ == Policy::ring) return number % capacity_;
  if (number < capacity_) return number;
  // Vitter's algorithm R.
  const int64_t slot = random_below(number + 1);
  return slot < capacity_ ? slot : -1;
}

int64_t ReplayBuffer::bytes_of(std::span<const RowForm> forms) const {
  int64_t row = 0;
  int64_t moments = 0;
  for (const RowForm& form : forms) {
    row += form.bytes();
    if (!c10::isComplexType(form.dtype)) moments += 3 * static_cast<int64_t>(sizeof(double)) * form.elements();
  }
  int64_t bytes = 0;
  if (c10::mul_overflows(row, capacity_, &bytes) || c10::add_overflows(bytes, moments, &bytes))
    fail(ft_out_of_memory, "the buffer needs " + std::to_string(row) + " bytes for each of " +
                               std::to_string(capacity_) + " rows, more than can be counted");
  return bytes;
}

std::vector<ReplayBuffer::Field> ReplayBuffer::allocated(std::span<const RowForm> forms) const {
  const std::string subject = "the buffer needs " + std::to_string(bytes_of(forms)) + " bytes";
  Context context(subject.c_str());
  std::vector<Field> fields;
  for (const RowForm& form : forms) fields.emplace_back(form, capacity_);
  return fields;
}

void ReplayBuffer::check_count(std::size_t fields) const {
  if (fields_.empty() || fields == fields_.size()) return;
  fail(ft_invalid_argument,
       std::to_string(fields) + " fields; the rows of the buffer have " + std::to_string(fields_.size()));
}

std::vector<RowForm> ReplayBuffer::forms_for(std::span<const GivenRows> given) const {
  std::vector<RowForm> forms;
  for (const Field& field : fields_) forms.push_back(field.form);
  if (!forms.empty()) return forms;
  std::optional<int64_t> rows;
  for (const GivenRows& one : given) {
    if (!rows) rows = counted_rows({one.sizes, one.strides}, one.order);
  }
  for (const GivenRows& one : given) {
    Context context(one.name.name, one.name.index);
    forms.push_back({one.dtype, first_shape({one.sizes, one.strides}, rows, one.order)});
    if (forms.back().elements() == 0)
      fail(ft_shape_mismatch, "the shape is " + shape_text(one.sizes) + "; a row has no elements");
  }
  return forms;
}

void ReplayBuffer::put(std::span<GivenRows> given) {
  at::NoGradGuard no_grad;
  const std::lock_guard lock(mutex_);
  check_count(given.size());
  const std::vector<RowForm> forms = forms_for(given);
  int64_t count = 0;
  std::vector<at::Tensor> copies(given.size());
  std::vector<const char*> rows;
  for (std::size_t i = 0; i < given.size(); ++i) {
    Context context(given[i].name.name, given[i].name.index);
    const RowLayout layout = checked_layout(given[i], forms[i]);
    if (i == 0) count = layout.count;
    if (layout.count != count)
      fail(ft_shape_mismatch, number_of_rows(layout.count) + "; the first field has " + number_of_rows(count));
    rows.push_back(dense_rows(given[i], layout, copies[i]));
  }
  if (fields_.empty()) fields_ = allocated(forms);
  for (std::size_t i = 0; i < given.size(); ++i) fields_[i].moments.add(rows[i], count, rows_put_);
  for (int64_t row = 0; row < count; ++row) {
    const int64_t slot = slot_for(rows_put_++);
    if (slot < 0) continue;
    for (std::size_t i = 0; i < given.size(); ++i) {
      Field& field = fields_[i];
      std::memcpy(static_cast<char*>(field.rows.mutable_data_ptr()) + slot * field.row_bytes,
                  rows[i] + row * field.row_bytes, static_cast<std::size_t>(field.row_bytes));
    }
  }
}

void ReplayBuffer::draw(std::span<const DrawTarget> targets) {
  at::NoGradGuard no_grad;
  const std::lock_guard lock(mutex_);
  if (count() == 0) fail(ft_invalid_argument, "the buffer is empty: put rows into it before a batch is drawn");
  check_count(targets.size());
  check_apart(targets);
  std::vector<BatchPart> parts;
  parts.reserve(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) parts.emplace_back(targets[i], fields_[i].form);
  const int64_t size = parts.front().count();
  for (std::size_t i = 0; i < targets.size(); ++i) {
    Context context(targets[i].name.name, targets[i].name.index);
    if (parts[i].count() != size)
      fail(ft_shape_mismatch, "there is room for " + number_of_rows(parts[i].count()) + ", in the first tensor for " +
                                  std::to_string(size));
  }
  for (BatchPart& part : parts) part.prepare();
  const int64_t stored = count();
  for (int64_t row = 0; row < size; ++row) {
    const int64_t slot = random_below(stored);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Field& field = fields_[i];
      parts[i].add(static_cast<const char*>(field.rows.const_data_ptr()) + slot * field.row_bytes);
    }
  }
  for (BatchPart& part : parts) part.finish();
  for (BatchPart& part : parts) part.commit();
}

ReplayBuffer::Size ReplayBuffer::size() const {
  const std::lock_guard lock(mutex_);
  std::vector<RowForm> forms;
  for (const Field& field : fields_) forms.push_back(field.form);
  return {count(), bytes_of(forms)};
}

const ReplayBuffer::Field& ReplayBuffer::field_with_moments(int64_t number) const {
  if (rows_put_ == 0) fail(ft_invalid_argument, "the buffer is empty: no row was put into it");
  if (number < 1 || number > static_cast<int64_t>(fields_.size()))
    fail(ft_invalid_argument,
         "field is " + std::to_string(number) + "; the buffer has " + std::to_string(fields_.size()) + " fields");
  const Field& field = fields_[static_cast<std::size_t>(number - 1)];
  if (!field.moments.is_kept()) fail(ft_dtype_mismatch, "complex numbers have no statistics here");
  return field;
}

std::vector<double> ReplayBuffer::means(int64_t field) const {
  const std::lock_guard lock(mutex_);
  return field_with_moments(field).moments.means();
}

std::vector<double> ReplayBuffer::deviations(int64_t field) const {
  const std::lock_guard lock(mutex_);
  return field_with_moments(field).moments.deviations(rows_put_);
}

}  // namespace ftorch
