# SPDX-License-Identifier: MIT
# Read by FTorchConfig.cmake for the component mpi: finds MPI in the languages of the project. Sets FTorch_mpi_FOUND and the
# targets of MPI in _ftorch_mpi_targets, or says in FTorch_mpi_NOT_FOUND_MESSAGE why not.
set(_ftorch_mpi_languages)
foreach(_ftorch_language IN ITEMS C CXX Fortran)
  if(CMAKE_${_ftorch_language}_COMPILER_LOADED)
    list(APPEND _ftorch_mpi_languages ${_ftorch_language})
  endif()
endforeach()
if("C" IN_LIST _ftorch_mpi_languages)
  list(REMOVE_ITEM _ftorch_mpi_languages CXX)
endif()
# On a machine without network Open MPI's compiler commands complain of it, which FindMPI takes for options of the compiler.
if(NOT DEFINED ENV{OMPI_MCA_if})
  set(ENV{OMPI_MCA_if} ^posix_ipv4)
  set(_ftorch_mpi_has_quietened TRUE)
endif()
find_package(MPI QUIET MODULE COMPONENTS ${_ftorch_mpi_languages})
if(_ftorch_mpi_has_quietened)
  unset(ENV{OMPI_MCA_if})
  unset(_ftorch_mpi_has_quietened)
endif()
# One language is enough: where MPI was compiled by another Fortran compiler, integers name communicators.
set(_ftorch_mpi_targets)
foreach(_ftorch_language IN LISTS _ftorch_mpi_languages)
  if(TARGET MPI::MPI_${_ftorch_language})
    list(APPEND _ftorch_mpi_targets MPI::MPI_${_ftorch_language})
  endif()
endforeach()
include(${CMAKE_CURRENT_LIST_DIR}/FTorchMPIVendor.cmake)
ftorch_mpi_vendor(_ftorch_mpi_vendor _ftorch_mpi_version)
if(NOT _ftorch_mpi_targets)
  list(JOIN _ftorch_mpi_languages " or " _ftorch_mpi_languages)
  string(CONCAT FTorch_mpi_NOT_FOUND_MESSAGE
    "it was built with ${FTorch_MPI_VENDOR} ${FTorch_MPI_VERSION}, and no MPI was found for ${_ftorch_mpi_languages}: put the "
    "folder of its mpicc and mpifort on PATH, or set MPI_HOME")
elseif(FTorch_MPI_VENDOR AND _ftorch_mpi_vendor AND NOT FTorch_MPI_VENDOR STREQUAL _ftorch_mpi_vendor)
  string(CONCAT FTorch_mpi_NOT_FOUND_MESSAGE
    "it was built with ${FTorch_MPI_VENDOR} ${FTorch_MPI_VERSION}, and the MPI found is ${_ftorch_mpi_vendor} "
    "${_ftorch_mpi_version}: load that of FTorch, or set MPI_HOME to it, or build FTorch with this one")
else()
  set(FTorch_mpi_FOUND TRUE)
endif()
