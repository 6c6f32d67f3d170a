// SPDX-License-Identifier: MIT

#include "mpi/forward.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "mpi/fingerprint.h"

namespace ftorch::mpi {
namespace {

/// Rows of all tensors of a rank stand in one message, tensor after tensor; a message is counted in such rows, so that it may
/// hold more bytes than 32 bits count.
class RowType {
 public:
  explicit RowType(std::int64_t bytes) {
    check_mpi(MPI_Type_contiguous(static_cast<int>(bytes), MPI_BYTE, &type_), "MPI_Type_contiguous");
    check_mpi(MPI_Type_commit(&type_), "MPI_Type_commit");
  }
  ~RowType() { MPI_Type_free(&type_); }
  RowType(const RowType&) = delete;
  RowType& operator=(const RowType&) = delete;
  operator MPI_Datatype() const { return type_; }

 private:
  MPI_Datatype type_ = MPI_DATATYPE_NULL;
};

void set_failure(Note& note, const Failure& failure) {
  note.status = failure.status;
  note.text_size = static_cast<int>(failure.message.copy(note.text, sizeof(note.text)));
}

std::int64_t sum(const std::vector<std::int64_t>& numbers) {
  std::int64_t total = 0;
  for (const std::int64_t one : numbers) total += one;
  return total;
}

/// Bytes from one tensor to the next where a model has several: kernels want addresses that are multiples.
std::int64_t padded(std::int64_t bytes) {
  constexpr std::int64_t multiple = 64;
  return (bytes + multiple - 1) / multiple * multiple;
}

const Note& note_at(const Memory& notes, int rank) { return static_cast<const Note*>(notes.get())[rank]; }

std::byte* byte_at(const Memory& memory, std::int64_t offset) { return static_cast<std::byte*>(memory.get()) + offset; }

constexpr int rows_tag = 0;

void send_rows(const Memory& memory, std::int64_t offset, std::int64_t rows, std::int64_t row_bytes, int rank,
               MPI_Comm comm, Messages& messages) {
  const RowType row(row_bytes);
  check_mpi(
      MPI_Isend(byte_at(memory, offset), static_cast<int>(rows), row, rank, rows_tag, comm, &messages.add(memory)),
      "MPI_Isend");
}

/// Takes fewer rows as well.
void receive_rows(const Memory& memory, std::int64_t offset, std::int64_t rows, std::int64_t row_bytes, int rank,
                  MPI_Comm comm, Messages& messages) {
  const RowType row(row_bytes);
  check_mpi(
      MPI_Irecv(byte_at(memory, offset), static_cast<int>(rows), row, rank, rows_tag, comm, &messages.add(memory)),
      "MPI_Irecv");
}

/// Where the parameters of a model are; the host for one without.
ft_options place_of(ft_handle model) {
  ft_options place{-1, 0, -1, 0};
  int64_t count = 0;
  check(ft_model_count(model, 0, &count));
  if (count == 0) return place;
  std::vector<ft_handle> parameters(static_cast<std::size_t>(count));
  check(ft_model_parameters(model, parameters.data(), count));
  ft_tensor_device(parameters[0], &place.device_type, &place.device_index);
  for (const ft_handle one : parameters) ft_release(one);
  return place;
}

/// Rows and bytes of each row of tensors that have as many rows.
std::vector<std::int64_t> describe_side(const std::vector<ft_handle>& tensors, const char* side, std::int64_t& rows) {
  std::vector<std::int64_t> row_bytes;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::int64_t count = 0, bytes = 0;
    const std::string name = std::string(side) + "(" + std::to_string(i + 1) + ")";
    if (const int status = ft_rows_describe(tensors[i], &count, &bytes); status != ft_ok)
      fail(status, name + ": " + last_text());
    if (rows >= 0 && count != rows)
      fail(ft_shape_mismatch, name + " has " + std::to_string(count) + " rows, inputs(1) " + std::to_string(rows));
    rows = count;
    row_bytes.push_back(bytes);
  }
  return row_bytes;
}

}  // namespace

std::uint64_t form_of(const Tensors& tensors) {
  Fingerprint form;
  for (const auto* const side : {&tensors.inputs, &tensors.outputs}) {
    for (const ft_handle one : *side) form.add_form(one, /*skipped=*/1);
  }
  return form.value();
}

bool has_no_rows(const Tensors& tensors) {
  std::int64_t rows = -1, bytes = 0;
  if (tensors.inputs.empty() || ft_rows_describe(tensors.inputs[0], &rows, &bytes) != ft_ok || rows != 0) return false;
  describe_side(tensors.inputs, "inputs", rows);
  describe_side(tensors.outputs, "outputs", rows);
  return true;
}

GatheredPass::GatheredPass(Communicator& here, ft_handle model, Tensors tensors)
    : here_(here), tensors_(std::move(tensors)) {
  try {
    describe();
  } catch (...) {
    own_ = {};
    set_failure(own_, failure_in_flight());
  }
  if (is_owner()) serve(model);
  else post_as_member();
}

void GatheredPass::describe() {
  if (tensors_.inputs.empty()) fail(ft_invalid_argument, "a forward pass needs an input");
  std::int64_t rows = -1;
  input_row_bytes_ = describe_side(tensors_.inputs, "inputs", rows);
  output_row_bytes_ = describe_side(tensors_.outputs, "outputs", rows);
  if (rows > std::numeric_limits<int>::max()) fail(ft_invalid_argument, "a rank hands in more than 2147483647 rows");
  own_.input_bytes = sum(input_row_bytes_);
  own_.output_bytes = sum(output_row_bytes_);
  if (std::max(own_.input_bytes, own_.output_bytes) > std::numeric_limits<int>::max())
    fail(ft_invalid_argument, "a row has more than 2147483647 bytes");
  own_.inputs = static_cast<std::int64_t>(tensors_.inputs.size());
  own_.outputs = static_cast<std::int64_t>(tensors_.outputs.size());
  sent_ = here_.spare.take(static_cast<std::size_t>(rows * own_.input_bytes));
  received_ = here_.spare.take(static_cast<std::size_t>(rows * own_.output_bytes));
  own_.form = form_of(tensors_);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < tensors_.inputs.size(); ++i) {
    check(ft_rows_read(tensors_.inputs[i], byte_at(sent_, offset)));
    offset += rows * input_row_bytes_[i];
  }
  own_.rows = rows;
}

void GatheredPass::post_as_member() {
  const MPI_Comm comm = here_.group.comm();
  notes_ = std::make_shared<Note>(own_);
  check_mpi(MPI_Igather(notes_.get(), sizeof(Note), MPI_BYTE, nullptr, 0, MPI_BYTE, 0, comm, &messages_.add(notes_)),
            "MPI_Igather");
  send_rows(sent_, 0, own_.rows, own_.input_bytes, 0, comm, messages_);
  verdict_ = std::make_shared<Note>();
  check_mpi(MPI_Ibcast(verdict_.get(), sizeof(Note), MPI_BYTE, 0, comm, &messages_.add(verdict_)), "MPI_Ibcast");
  receive_rows(received_, 0, own_.rows, own_.output_bytes, 0, comm, messages_);
}

void GatheredPass::check_notes() const {
  for (int rank = 0; rank < here_.group.size(); ++rank) {
    const Note& note = note_at(notes_, rank);
    const std::string name = "rank " + std::to_string(rank) + " of the group: ";
    if (note.status != ft_ok)
      fail(note.status, name + std::string(note.text, static_cast<std::size_t>(note.text_size)));
    const bool is_like = note.input_bytes == own_.input_bytes && note.output_bytes == own_.output_bytes &&
                         note.inputs == own_.inputs && note.outputs == own_.outputs;
    if (is_like && note.form != own_.form)
      fail(ft_shape_mismatch, name +
                                  "the rows that it hands in have another dtype or shape than those of rank 0, which "
                                  "runs the model");
    if (!is_like)
      fail(ft_shape_mismatch, name + "it hands in " + std::to_string(note.inputs) + " inputs of " +
                                  std::to_string(note.input_bytes) + " bytes a row and " +
                                  std::to_string(note.outputs) + " outputs of " + std::to_string(note.output_bytes) +
                                  ", and rank 0, which runs the model, " + std::to_string(own_.inputs) + " of " +
                                  std::to_string(own_.input_bytes) + " and " + std::to_string(own_.outputs) + " of " +
                                  std::to_string(own_.output_bytes));
  }
}

void GatheredPass::gather() {
  std::int64_t input_bytes = 0, output_bytes = 0;
  for (int rank = 0; rank < here_.group.size(); ++rank) {
    const Note& note = note_at(notes_, rank);
    all_rows_ += note.rows;
    input_bytes += note.rows * note.input_bytes;
    output_bytes += note.rows * note.output_bytes;
  }
  all_inputs_ = here_.spare.take(static_cast<std::size_t>(input_bytes));
  all_outputs_ = here_.spare.take(static_cast<std::size_t>(output_bytes));
  if (own_.rows > 0)
    std::memcpy(all_inputs_.get(), sent_.get(), static_cast<std::size_t>(own_.rows * own_.input_bytes));
  Messages arriving;
  std::int64_t offset = own_.rows * own_.input_bytes;
  for (int rank = 1; rank < here_.group.size(); ++rank) {
    const std::int64_t rows = note_at(notes_, rank).rows;
    receive_rows(all_inputs_, offset, rows, own_.input_bytes, rank, here_.group.comm(), arriving);
    offset += rows * own_.input_bytes;
  }
  are_received_ = true;
  arriving.wait(here_, "torch_mpi_forward");
}

void GatheredPass::receive_in_vain() {
  all_inputs_.reset();
  all_outputs_.reset();
  for (int rank = 1; rank < here_.group.size(); ++rank) {
    const Note& note = note_at(notes_, rank);
    Messages arriving;
    const Memory memory = make_memory(static_cast<std::size_t>(note.rows * note.input_bytes));
    receive_rows(memory, 0, note.rows, note.input_bytes, rank, here_.group.comm(), arriving);
    arriving.wait(here_, "torch_mpi_forward");
  }
}

void GatheredPass::scatter() {
  if (own_.rows > 0)
    std::memcpy(received_.get(), all_outputs_.get(), static_cast<std::size_t>(own_.rows * own_.output_bytes));
  std::int64_t offset = own_.rows * own_.output_bytes;
  for (int rank = 1; rank < here_.group.size(); ++rank) {
    const std::int64_t rows = note_at(notes_, rank).rows;
    send_rows(all_outputs_, offset, rows, own_.output_bytes, rank, here_.group.comm(), messages_);
    offset += rows * own_.output_bytes;
  }
}

void GatheredPass::serve(ft_handle model) {
  const MPI_Comm comm = here_.group.comm();
  const int size = here_.group.size();
  MPI_Request request;
  notes_ = std::shared_ptr<Note[]>(new Note[static_cast<std::size_t>(size)]());
  const auto own = std::make_shared<Note>(own_);
  check_mpi(MPI_Igather(own.get(), sizeof(Note), MPI_BYTE, notes_.get(), sizeof(Note), MPI_BYTE, 0, comm, &request),
            "MPI_Igather");
  wait(here_, request, "torch_mpi_forward", notes_);

  Failure outcome(ft_ok, "");
  const char* failed = "";
  try {
    check_notes();
    failed = "rank 0 of the group: ";
    gather();
    if (all_rows_ > 0) run(model);
  } catch (...) {
    if (here_.is_broken) throw;
    outcome = failure_in_flight();
    outcome.message = failed + outcome.message;
  }
  if (!are_received_) receive_in_vain();
  const auto verdict = std::make_shared<Note>();
  set_failure(*verdict, outcome);
  verdict_ = verdict;
  check_mpi(MPI_Ibcast(verdict_.get(), sizeof(Note), MPI_BYTE, 0, comm, &messages_.add(verdict_)), "MPI_Ibcast");
  if (outcome.status == ft_ok) {
    scatter();
  } else {
    // An empty message answers whoever waits for results.
    for (int rank = 1; rank < size; ++rank) send_rows(nullptr, 0, 0, 0, rank, comm, messages_);
  }
}

std::vector<ft_handle> GatheredPass::wrap(const std::vector<ft_handle>& like, void* bytes, const ft_options& place) {
  std::vector<ft_handle> wrapped;
  auto* next = static_cast<std::byte*>(bytes);
  for (const ft_handle one : like) {
    int32_t rank = 0;
    check(ft_tensor_rank(one, &rank));
    std::vector<int64_t> shape(static_cast<std::size_t>(rank));
    check(ft_tensor_shape(one, shape.data()));
    std::int64_t rows = 0, row_bytes = 0;
    check(ft_rows_describe(one, &rows, &row_bytes));
    shape[0] = all_rows_;
    std::vector<int32_t> order(shape.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(order.size() - i);
    ft_options options = place;
    check(ft_tensor_dtype(one, &options.dtype));
    wrapped.push_back(nullptr);
    check(ft_tensor_from_blob(next, rank, shape.data(), rank, order.data(), rank, &options, &wrapped.back()));
    next += padded(all_rows_ * row_bytes);
  }
  return wrapped;
}

namespace {

enum class Direction { to_tensors, to_ranks };

/// Ranks have their tensors one after the other, and the model has tensors with the rows of all ranks: copies one to the other.
void rearrange(const Memory& notes, int size, const std::vector<std::int64_t>& row_bytes, std::int64_t all_rows,
               std::byte* ranks, std::byte* tensors, Direction direction) {
  std::int64_t row = 0;
  for (int rank = 0; rank < size; ++rank) {
    const std::int64_t rows = note_at(notes, rank).rows;
    std::byte* tensor = tensors;
    for (const std::int64_t bytes : row_bytes) {
      std::byte* const place = tensor + row * bytes;
      const auto count = static_cast<std::size_t>(rows * bytes);
      if (count > 0 && direction == Direction::to_tensors) std::memcpy(place, ranks, count);
      else if (count > 0) std::memcpy(ranks, place, count);
      ranks += count;
      tensor += padded(all_rows * bytes);
    }
    row += rows;
  }
}

/// Handles that end with it.
struct Owned {
  std::vector<ft_handle> handles;
  ~Owned() {
    for (const ft_handle one : handles) ft_release(one);
  }
};

}  // namespace

void GatheredPass::run(ft_handle model) {
  const int size = here_.group.size();
  const auto arranged = [&](const Memory& memory, const std::vector<std::int64_t>& row_bytes) {
    if (row_bytes.size() == 1) return memory;
    std::int64_t bytes = 0;
    for (const std::int64_t one : row_bytes) bytes += padded(all_rows_ * one);
    return make_memory(static_cast<std::size_t>(bytes));
  };
  const Memory inputs = arranged(all_inputs_, input_row_bytes_), outputs = arranged(all_outputs_, output_row_bytes_);
  if (inputs != all_inputs_)
    rearrange(notes_, size, input_row_bytes_, all_rows_, byte_at(all_inputs_, 0), byte_at(inputs, 0),
              Direction::to_tensors);
  const Owned from{wrap(tensors_.inputs, inputs.get(), place_of(model))};
  const Owned to{wrap(tensors_.outputs, outputs.get(), {-1, 0, -1, 0})};
  check(ft_model_forward(model, from.handles.data(), own_.inputs, to.handles.data(), own_.outputs, 0, nullptr));
  if (outputs != all_outputs_)
    rearrange(notes_, size, output_row_bytes_, all_rows_, byte_at(all_outputs_, 0), byte_at(outputs, 0),
              Direction::to_ranks);
}

void GatheredPass::finish() {
  messages_.wait(here_, "torch_mpi_forward");
  const Note& verdict = note_at(verdict_, 0);
  if (verdict.status == ft_ok) {
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < tensors_.outputs.size(); ++i) {
      check(ft_rows_write(tensors_.outputs[i], byte_at(received_, offset)));
      offset += own_.rows * output_row_bytes_[i];
    }
  }
  for (Memory* const one : {&sent_, &received_, &all_inputs_, &all_outputs_}) {
    if (*one) here_.spare.give(std::move(*one));
  }
  if (verdict.status != ft_ok)
    fail(verdict.status, std::string(verdict.text, static_cast<std::size_t>(verdict.text_size)));
}

}  // namespace ftorch::mpi
