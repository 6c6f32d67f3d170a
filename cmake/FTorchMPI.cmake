# SPDX-License-Identifier: MIT
# The component mpi: a library of its own over the MPI that the programs use.
option(FTORCH_MPI "Build the component mpi, for training and inference on many processes" OFF)
if(NOT FTORCH_MPI)
  unset(FTORCH_MPI_VENDOR CACHE)
  unset(FTORCH_MPI_VERSION CACHE)
  return()
endif()

find_package(MPI REQUIRED COMPONENTS C)
# Its modules may be those of another compiler, which this one cannot read: integers name communicators then.
find_package(MPI COMPONENTS Fortran)
set(f08 absent)
if(MPI_Fortran_HAVE_F08_MODULE)
  set(f08 present)
endif()
include(FTorchMPIVendor)
ftorch_mpi_vendor(vendor version)
set(FTORCH_MPI_VENDOR "${vendor}" CACHE INTERNAL "MPI that the component mpi is built with")
set(FTORCH_MPI_VERSION "${version}" CACHE INTERNAL "Version of that MPI")
message(STATUS "Component mpi: ${vendor} ${version}, module mpi_f08 ${f08}")

file(GLOB sources CONFIGURE_DEPENDS src/shim/mpi/*.cpp)
file(GLOB templates CONFIGURE_DEPENDS src/fortran/mpi/*.fypp)
ftorch_fypp(expanded TEMPLATES ${templates})
ftorch_fypp(header NO_LINE_MARKERS FOLDER ${PROJECT_BINARY_DIR}/include TEMPLATES src/shim/mpi/ftorch_mpi.h.fypp)

add_library(ftorch_mpi ${sources} ${expanded} ${header} src/fortran/mpi/f08_${f08}.f90)
add_library(FTorch::mpi ALIAS ftorch_mpi)
set_target_properties(ftorch_mpi PROPERTIES
  EXPORT_NAME mpi
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
  POSITION_INDEPENDENT_CODE ON
  CXX_VISIBILITY_PRESET hidden
  VISIBILITY_INLINES_HIDDEN ON
  Fortran_MODULE_DIRECTORY ${PROJECT_BINARY_DIR}/modules/mpi
  Fortran_PREPROCESS OFF
  INSTALL_RPATH $ORIGIN
  INSTALL_RPATH_USE_LINK_PATH ON)
target_compile_features(ftorch_mpi PRIVATE cxx_std_20)
# The bindings for C++ that old MPI libraries bring along.
target_compile_definitions(ftorch_mpi PRIVATE OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX)
target_include_directories(ftorch_mpi
  PUBLIC $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/modules/mpi>
         $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/ftorch/mpi>
  PRIVATE src/shim)
ftorch_warnings(ftorch_mpi)
ftorch_bind_own_functions(ftorch_mpi)
# Programs link the MPI that the installed package finds for them.
target_link_libraries(ftorch_mpi PUBLIC ftorch PRIVATE $<BUILD_INTERFACE:MPI::MPI_C>)
if(MPI_Fortran_HAVE_F08_MODULE)
  target_link_libraries(ftorch_mpi PUBLIC $<BUILD_INTERFACE:MPI::MPI_Fortran>)
endif()
