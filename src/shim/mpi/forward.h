// SPDX-License-Identifier: MIT
// Forward passes of a group of ranks, run by one of them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "mpi/communicator.h"
#include "mpi/failure.h"
#include "mpi/wait.h"

namespace ftorch::mpi {

/// The tensors of one forward pass; all have the same number of rows.
struct Tensors {
  std::vector<ft_handle> inputs, outputs;
};

/// A hash of dtypes, and of shapes but for the rows.
std::uint64_t form_of(const Tensors& tensors);

/// True where no tensor has a row; fails where some have.
bool has_no_rows(const Tensors& tensors);

/// What a rank tells the owner of its rows, and the owner of the pass.
struct Note {
  std::int64_t rows;
  std::int64_t input_bytes, output_bytes;
  std::int64_t inputs, outputs;
  /// Of dtypes, and of shapes but for the rows.
  std::uint64_t form;
  int status;
  int text_size;
  char text[1000];
};

/// One pass between its start and its end. Nobody but the owner waits in the start: what the others send and are sent is under
/// way at once.
class GatheredPass {
 public:
  GatheredPass(Communicator& here, ft_handle model, Tensors tensors);
  void finish();

 private:
  void describe();
  void post_as_member();
  void serve(ft_handle model);
  void check_notes() const;
  void gather();
  /// Rows that nobody can use, one rank after the other, so that what was sent is answered.
  void receive_in_vain();
  void run(ft_handle model);
  void scatter();
  /// Tensors over the rows of all ranks, one after the other.
  std::vector<ft_handle> wrap(const std::vector<ft_handle>& like, void* bytes, const ft_options& place);
  bool is_owner() const { return here_.group.rank() == 0; }

  Communicator& here_;
  Tensors tensors_;
  Note own_{};
  std::int64_t all_rows_ = 0;
  /// Whether the owner has a place for the rows of the others.
  bool are_received_ = false;
  Memory notes_, verdict_;
  /// Rows of this rank, and on the owner those of all.
  Memory sent_, received_, all_inputs_, all_outputs_;
  std::vector<std::int64_t> input_row_bytes_, output_row_bytes_;
  Messages messages_;
};

class GatheredForward {
 public:
  /// Passes that were started and not waited for, in order.
  std::deque<std::unique_ptr<GatheredPass>> passes;
  /// Whether a pass of each rank by itself was faster, for tensors of a form, which all ranks know.
  std::map<std::uint64_t, bool> is_local;
};

}  // namespace ftorch::mpi
