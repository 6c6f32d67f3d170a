// SPDX-License-Identifier: MIT

#include "mpi/fingerprint.h"

#include <vector>

#include "mpi/failure.h"

namespace ftorch::mpi {

void Fingerprint::add_form(ft_handle tensor, std::size_t skipped) {
  int32_t dtype = 0, rank = 0;
  check(ft_tensor_dtype(tensor, &dtype));
  check(ft_tensor_rank(tensor, &rank));
  std::vector<int64_t> shape(static_cast<std::size_t>(rank));
  if (rank > 0) check(ft_tensor_shape(tensor, shape.data()));
  add(dtype);
  add(rank);
  for (std::size_t i = skipped; i < shape.size(); ++i) add(shape[i]);
}

}  // namespace ftorch::mpi
