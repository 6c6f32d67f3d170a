# SPDX-License-Identifier: MIT
# Tests of examples that run on several ranks of MPI.
set(Python3_FIND_VIRTUALENV FIRST)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
find_package(MPI REQUIRED COMPONENTS Fortran)

# A command on as many ranks as the next word says.
separate_arguments(flags UNIX_COMMAND "${MPIEXEC_PREFLAGS}")
set(on_ranks ${MPIEXEC_EXECUTABLE} ${flags} ${MPIEXEC_NUMPROC_FLAG})

# example_on_ranks(<test> <ranks>): a test that takes as many cores. Open MPI refuses more ranks than cores, and to run for the
# root of a container, unless told.
function(example_on_ranks test ranks)
  set_tests_properties(${test} PROPERTIES
    PROCESSORS ${ranks}
    LABELS example
    ENVIRONMENT "OMP_NUM_THREADS=1;OMPI_ALLOW_RUN_AS_ROOT=1;OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1;OMPI_MCA_rmaps_base_oversubscribe=1")
endfunction()
