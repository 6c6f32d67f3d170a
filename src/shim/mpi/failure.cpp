// SPDX-License-Identifier: MIT

#include "mpi/failure.h"

#include <mpi.h>

#include <new>

namespace ftorch::mpi {

void check_mpi(int code, const char* function) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  fail(ft_internal_error, std::string(function) + ": " + std::string(text, static_cast<std::size_t>(length)));
}

Failure failure_in_flight() noexcept {
  try {
    throw;
  } catch (const Failure& failure) {
    return failure;
  } catch (const std::bad_alloc&) {
    return {ft_out_of_memory, "out of host memory"};
  } catch (const std::exception& error) {
    return {ft_internal_error, error.what()};
  } catch (...) {
    return {ft_internal_error, "an exception of unknown type"};
  }
}

}  // namespace ftorch::mpi
