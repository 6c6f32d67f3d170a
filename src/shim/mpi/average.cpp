// SPDX-License-Identifier: MIT

#include "mpi/average.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "ftorch_mpi.h"
#include "mpi/agreement.h"
#include "mpi/failure.h"
#include "mpi/fingerprint.h"

namespace ftorch::mpi {
namespace {

constexpr const char* difference =
    "the parameters differ between the ranks, in their number, their sizes or their dtypes, or the buffers of the "
    "model do";

std::size_t size_of(bool is_double) { return is_double ? sizeof(double) : sizeof(float); }

std::byte* at(const Memory& memory, std::int64_t index, bool is_double) {
  return static_cast<std::byte*>(memory.get()) + static_cast<std::size_t>(index) * size_of(is_double);
}

/// Numbers of the longest message: as many as a bucket has, and fewer than 32 bits count.
std::int64_t longest_message(const Settings& settings, bool is_double) {
  const auto fitting = settings.bucket_bytes / static_cast<std::int64_t>(size_of(is_double));
  return std::clamp(fitting, std::int64_t{1}, std::int64_t{1} << 30);
}

double number_at(const Memory& memory, std::int64_t index, bool is_double) {
  const std::byte* const place = at(memory, index, is_double);
  return is_double ? *reinterpret_cast<const double*>(place) : *reinterpret_cast<const float*>(place);
}

void set_number(const Memory& memory, std::int64_t index, bool is_double, double value) {
  std::byte* const place = at(memory, index, is_double);
  if (is_double) *reinterpret_cast<double*>(place) = value;
  else *reinterpret_cast<float*>(place) = static_cast<float>(value);
}

}  // namespace

Averaged::~Averaged() {
  if (!owns) return;
  for (const ft_handle one : parameters) ft_release(one);
  for (const ft_handle one : buffers) ft_release(one);
}

Averaging::Averaging(Communicator& here, Averaged tensors) : here_(here), tensors_(std::move(tensors)) {}

Averaging::~Averaging() {
  if (is_watching_) watch(false);
  give_back();
}

void Averaging::start(const Failure& before, double rows, bool is_early) {
  rows_ = rows;
  is_early_ = is_early;
  if (is_early) {
    deferred_.buffers.swap(tensors_.buffers);
    deferred_.owns = tensors_.owns;
  }
  const auto prepare = [&] {
    if (before.status != ft_ok) throw before;
    if (!(rows >= 0 && std::isfinite(rows)))
      fail(ft_invalid_argument, "rows is " + std::to_string(rows) + ", which is no number of rows");
    const std::uint64_t fingerprint = describe();
    fill_buckets();
    if (is_early) watch(true);
    return Contribution{fingerprint, rows};
  };
  const double all_rows = agree_on(here_, Call::average_gradients, prepare, difference);
  if (!(all_rows > 0)) fail(ft_invalid_argument, "no rank has rows");
  if (!std::isfinite(all_rows)) fail(ft_invalid_argument, "the rows of all ranks together are too many");
  weight_ = rows / all_rows;
  leave_out_equal();
}

void Averaging::leave_out_equal() {
  if (hashes_.empty()) return;
  const std::size_t count = hashes_.size();
  const std::shared_ptr<std::uint64_t[]> ends(new std::uint64_t[2 * count]);
  for (std::size_t i = 0; i < count; ++i) {
    ends[i] = hashes_[i];
    ends[count + i] = ~hashes_[i];
  }
  Messages messages;
  check_mpi(MPI_Iallreduce(MPI_IN_PLACE, ends.get(), static_cast<int>(2 * count), MPI_UINT64_T, MPI_MIN,
                           here_.all.comm(), &messages.add(ends)),
            "MPI_Iallreduce");
  messages.wait(here_, "torch_mpi_average_gradients");
  const std::size_t first = items_.size() - count;
  std::size_t kept = first;
  for (std::size_t i = 0; i < count; ++i) {
    if (ends[i] != ~ends[count + i]) items_[kept++] = items_[first + i];
  }
  items_.resize(kept);
  give_back();
  fill_buckets();
}

void Averaging::give_back() {
  for (Bucket& bucket : buckets_) {
    if (bucket.messages.is_through()) here_.spare.give(std::move(bucket.memory));
  }
  buckets_.clear();
  bucket_of_.clear();
}

namespace {

std::uint64_t hash_of_numbers(ft_handle tensor, std::int64_t count, bool is_double) {
  const auto bytes = static_cast<std::size_t>(count) * size_of(is_double);
  const Memory memory = make_memory(bytes);
  int32_t is_there = 0;
  check(ft_flat_read(tensor, 0, 1, memory.get(), &is_there));
  Fingerprint found;
  const auto* const data = static_cast<const unsigned char*>(memory.get());
  for (std::size_t i = 0; i < bytes; ++i) found.add(data[i]);
  return found.value();
}

}  // namespace

std::uint64_t Averaging::describe() {
  Fingerprint all;
  const auto add = [&](const std::vector<ft_handle>& tensors, bool is_gradient, const char* name) {
    for (std::size_t i = tensors.size(); i-- > 0;) {
      Item item{tensors[i], is_gradient, 0, false};
      int32_t is_double = 0;
      if (ft_flat_size(item.tensor, is_gradient, &item.count, &is_double) != ft_ok)
        fail(ft_invalid_argument, std::string(name) + "(" + std::to_string(i + 1) + "): " + last_text());
      item.is_double = is_double != 0;
      all.add(is_gradient);
      all.add_form(item.tensor);
      items_.push_back(item);
      if (!is_gradient) hashes_.push_back(hash_of_numbers(item.tensor, item.count, item.is_double));
    }
  };
  add(tensors_.parameters, true, "parameters");
  add(tensors_.buffers, false, "tensors");
  if (items_.empty() && deferred_.buffers.empty()) fail(ft_invalid_argument, "there is nothing to average");
  return all.value();
}

void Averaging::fill_buckets() {
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    const auto bytes = [&](std::int64_t count) { return count * static_cast<std::int64_t>(size_of(item.is_double)); };
    if (buckets_.empty() || buckets_.back().is_double != item.is_double ||
        bytes(buckets_.back().length() + item.count + 1) > here_.settings.bucket_bytes)
      buckets_.emplace_back(i, item.is_double);
    Bucket& bucket = buckets_.back();
    bucket.last = i + 1;
    bucket.numbers += item.count;
    if (item.is_gradient) ++bucket.missing;
    bucket_of_.push_back(buckets_.size() - 1);
  }
  for (Bucket& bucket : buckets_) {
    // Sent and received apart: MPI libraries add up faster than in place.
    bucket.memory = here_.spare.take(2 * static_cast<std::size_t>(bucket.length()) * size_of(bucket.is_double));
  }
}

void Averaging::watch(bool is_on) {
  const auto told = [](void* averaging, int64_t parameter) {
    static_cast<Averaging*>(averaging)->arrived(static_cast<std::size_t>(parameter));
  };
  is_watching_ = is_on;
  const int status = ft_gradients_watch(tensors_.parameters.data(), static_cast<int64_t>(tensors_.parameters.size()),
                                        is_on ? static_cast<void (*)(void*, int64_t)>(told) : nullptr, this);
  if (is_on) check(status);
}

void Averaging::arrived(std::size_t parameter) {
  // Gradients of devices arrive on threads of theirs, which need not be allowed to call MPI.
  if (std::this_thread::get_id() != thread_) return;
  const std::size_t index = bucket_of_[tensors_.parameters.size() - 1 - parameter];
  if (index < begun_)
    failure_ = Failure(ft_autograd_error,
                       "a gradient has changed after it was sent: of several backward passes, start "
                       "before the last one");
  Bucket& bucket = buckets_[index];
  if (bucket.missing > 0) --bucket.missing;
  while (begun_ < buckets_.size() && buckets_[begun_].missing == 0) begin(buckets_[begun_++]);
  // Lets MPI go on with what has begun.
  if (begun_ > 0) buckets_[begun_ - 1].messages.progress();
}

void Averaging::begin(Bucket& bucket) {
  std::int64_t number = 0;
  std::int64_t place = bucket.numbers;
  for (std::size_t i = bucket.first; i < bucket.last; ++i) {
    const Item& item = items_[i];
    int32_t is_there = 0;
    std::byte* const numbers = at(bucket.memory, number, item.is_double);
    if (const int status = ft_flat_read(item.tensor, item.is_gradient, weight_, numbers, &is_there); status != ft_ok)
      failure_ = Failure(status, last_text());
    set_number(bucket.memory, place++, item.is_double, is_there);
    number += item.count;
  }
  set_number(bucket.memory, place++, bucket.is_double, failure_.status != ft_ok);
  const std::int64_t longest = longest_message(here_.settings, bucket.is_double);
  for (std::int64_t first = 0; first < place; first += longest) {
    const int code = MPI_Iallreduce(
        at(bucket.memory, first, bucket.is_double), at(bucket.memory, place + first, bucket.is_double),
        static_cast<int>(std::min(longest, place - first)), bucket.is_double ? MPI_DOUBLE : MPI_FLOAT, MPI_SUM,
        here_.all.comm(), &bucket.messages.add(bucket.memory));
    // Within a backward pass nobody can be told yet.
    if (code != MPI_SUCCESS) here_.is_broken = true;
  }
}

void Averaging::finish() {
  if (is_watching_) watch(false);
  while (begun_ < buckets_.size()) begin(buckets_[begun_++]);
  if (here_.is_broken) fail(ft_internal_error, "MPI_Iallreduce failed; the communicator cannot be used any more");
  bool has_failed = false;
  for (Bucket& bucket : buckets_) {
    bucket.messages.wait(here_, "torch_mpi_average_gradients");
    has_failed = has_failed || number_at(bucket.memory, 2 * bucket.length() - 1, bucket.is_double) != 0;
  }
  // Within a backward pass a rank may have failed after it had sent all.
  if (has_failed || is_early_) agree(here_, here_.all, Call::average_gradients, failure_);
  for (Bucket& bucket : buckets_) write(bucket);
  if (deferred_.buffers.empty()) return;
  Averaging late(here_, std::move(deferred_));
  late.start(Failure(ft_ok, ""), rows_, /*is_early=*/false);
  late.finish();
}

void Averaging::write(Bucket& bucket) {
  std::int64_t number = bucket.length();
  std::int64_t place = number + bucket.numbers;
  for (std::size_t i = bucket.first; i < bucket.last; ++i) {
    const Item& item = items_[i];
    if (number_at(bucket.memory, place++, item.is_double) > 0)
      check(ft_flat_write(item.tensor, item.is_gradient, at(bucket.memory, number, item.is_double)));
    number += item.count;
  }
}

}  // namespace ftorch::mpi

using namespace ftorch::mpi;

namespace {

/// Parameters of a model that learn, and its buffers of fractions.
Averaged tensors_of(ft_handle model) {
  Averaged found;
  found.owns = true;
  int64_t count = 0;
  check(ft_model_count(model, 0, &count));
  std::vector<ft_handle> all(static_cast<std::size_t>(count));
  if (count > 0) check(ft_model_parameters(model, all.data(), count));
  for (const ft_handle one : all) {
    int32_t learns = 0;
    check(ft_tensor_requires_grad(one, &learns));
    if (learns) found.parameters.push_back(one);
    else ft_release(one);
  }
  check(ft_model_count(model, 3, &count));
  for (int64_t i = 1; i <= count; ++i) {
    check(ft_model_name(model, 3, i));
    const std::string name = last_text();
    ft_handle buffer = nullptr;
    check(ft_model_tensor(model, name.data(), static_cast<int64_t>(name.size()), 1, &buffer));
    int64_t numbers = 0;
    int32_t is_double = 0;
    if (ft_flat_size(buffer, 0, &numbers, &is_double) == ft_ok) found.buffers.push_back(buffer);
    else ft_release(buffer);
  }
  return found;
}

Averaged given(const ft_handle* parameters, int64_t size) {
  Averaged found;
  found.parameters.assign(parameters, parameters + size);
  return found;
}

}  // namespace

int ft_mpi_average_gradients(ft_handle handle, ft_handle model, const ft_handle* parameters, int64_t size, double rows,
                             int is_early) {
  return guard([&] {
    Communicator& here = communicator(handle);
    Failure outcome(ft_ok, "");
    Averaged tensors;
    try {
      tensors = size < 0 ? tensors_of(model) : given(parameters, size);
    } catch (...) {
      outcome = failure_in_flight();
    }
    auto averaging = std::make_unique<Averaging>(here, std::move(tensors));
    averaging->start(outcome, rows, is_early != 0);
    if (is_early) here.averaging = std::move(averaging);
    else averaging->finish();
  });
}

int ft_mpi_average(ft_handle handle, const ft_handle* tensors, int64_t size, double rows) {
  return guard([&] {
    Communicator& here = communicator(handle);
    Averaged numbers;
    numbers.buffers.assign(tensors, tensors + size);
    Averaging averaging(here, std::move(numbers));
    averaging.start(Failure(ft_ok, ""), rows, /*is_early=*/false);
    averaging.finish();
  });
}

int ft_mpi_average_gradients_wait(ft_handle handle) {
  return guard([&] {
    Communicator& here = communicator(handle);
    if (!here.averaging) fail(ft_invalid_argument, "no averaging of gradients has been started");
    const std::unique_ptr<Averaging> averaging = std::move(here.averaging);
    averaging->finish();
  });
}
