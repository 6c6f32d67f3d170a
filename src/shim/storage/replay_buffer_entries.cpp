// SPDX-License-Identifier: MIT
// Entries for replay buffers.

#include <algorithm>

#include "core/guard.h"
#include "storage/replay_buffer.h"
#include "tensor/convert.h"
#include "tensor/plain.h"

using namespace ftorch;

namespace {

ReplayBuffer& buffer_of(ft_handle handle) { return *replay_buffers.get(handle, "the buffer"); }

GivenRows array_rows(const char* name, const void* data, const int64_t* shape, int64_t rank, int dtype) {
  GivenRows given{{name}, dtype_of(dtype), {}, {}, Order::fortran, data, {}};
  if (rank > 0) given.sizes.assign(required(shape, name), shape + rank);
  given.strides = fortran_strides(given.sizes);
  if (c10::multiply_integers(given.sizes) > 0) required(data, name);
  return given;
}

}  // namespace

int ft_replay_buffer_create(int64_t capacity, int policy, int64_t seed, ft_handle* out) {
  return guard(ft_internal_error, [&] {
    required(out, "out");
    const auto kind = policy == 0 ? ReplayBuffer::Policy::ring : ReplayBuffer::Policy::reservoir;
    *out = replay_buffers.acquire(std::make_shared<ReplayBuffer>(capacity, kind, static_cast<std::uint64_t>(seed)));
  });
}

int ft_replay_buffer_copy(ft_handle buffer, ft_handle* out) {
  return guard<true>(ft_internal_error, [&] {
    required(out, "out");
    *out = replay_buffers.acquire(replay_buffers.get(buffer, "the buffer"));
  });
}

int ft_replay_buffer_put_arrays(ft_handle buffer, const void* x, const int64_t* x_shape, int64_t x_rank, int x_dtype,
                                const void* y, const int64_t* y_shape, int64_t y_rank, int y_dtype) {
  return guard(ft_internal_error, [&] {
    GivenRows given[] = {array_rows("x", x, x_shape, x_rank, x_dtype), array_rows("y", y, y_shape, y_rank, y_dtype)};
    buffer_of(buffer).put(given);
  });
}

int ft_replay_buffer_put(ft_handle buffer, const ft_handle* fields, int64_t fields_size) {
  return guard(ft_internal_error, [&] {
    if (fields_size < 1) fail(ft_invalid_argument, "fields is empty: a row has at least one field");
    std::vector<GivenRows> given;
    for_each_tensor("fields", fields, fields_size, [&](Tensor& one, std::size_t i) {
      check_plain(one.value);
      const Extents sizes(one.value.sizes().begin(), one.value.sizes().end());
      const Extents strides(one.value.strides().begin(), one.value.strides().end());
      given.push_back({{"fields", static_cast<int64_t>(i)},
                       one.value.scalar_type(),
                       sizes,
                       strides,
                       Order::any,
                       nullptr,
                       one.value});
    });
    buffer_of(buffer).put(given);
  });
}

int ft_replay_buffer_draw(ft_handle buffer, const ft_handle* fields, int64_t fields_size, int are_xy) {
  return guard(ft_internal_error, [&] {
    if (fields_size < 1) fail(ft_invalid_argument, "fields is empty: a row has at least one field");
    c10::SmallVector<DrawTarget, 4> targets;
    for (int64_t i = 0; i < fields_size; ++i) {
      const FieldName name = are_xy ? FieldName{i == 0 ? "x_tensor" : "y_tensor"} : FieldName{"fields", i};
      Context context(name.name, name.index);
      targets.push_back({name, &tensor(required(fields, "fields")[i], "the tensor")});
    }
    buffer_of(buffer).draw(targets);
  });
}

int ft_replay_buffer_size(ft_handle buffer, int64_t* count, int64_t* bytes) {
  return guard(ft_internal_error, [&] {
    const auto size = buffer_of(buffer).size();
    *required(count, "count") = size.count;
    *required(bytes, "bytes") = size.bytes;
  });
}

int ft_replay_buffer_elements(ft_handle buffer, int64_t field, int64_t* size) {
  return guard(ft_internal_error,
               [&] { *required(size, "size") = static_cast<int64_t>(buffer_of(buffer).means(field).size()); });
}

int ft_replay_buffer_moments(ft_handle buffer, int64_t field, int deviation, double* values, int64_t size) {
  return guard(ft_internal_error, [&] {
    const ReplayBuffer& of = buffer_of(buffer);
    const std::vector<double> kept = deviation ? of.deviations(field) : of.means(field);
    if (size != static_cast<int64_t>(kept.size())) fail(ft_shape_mismatch, "size is not that of a row");
    std::copy(kept.begin(), kept.end(), required(values, "values"));
  });
}
