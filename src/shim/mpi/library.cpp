// SPDX-License-Identifier: MIT
// Which MPI this is.

#include <mpi.h>

#include <string>

#include "ftorch_mpi.h"
#include "mpi/failure.h"

using namespace ftorch::mpi;

int ft_mpi_library(void) {
  return guard([&] {
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    check_mpi(MPI_Get_library_version(text, &length), "MPI_Get_library_version");
    ft_fail(ft_ok, std::string(text, static_cast<std::size_t>(length)).c_str());
  });
}
