# SPDX-License-Identifier: MIT
# Measures how this Fortran compiler finalises objects and chooses the representation of FTorch's types.

set(FTORCH_LIFETIME "auto" CACHE STRING
    "Who owns an object's reference: the type itself, a component of it, or auto (measured with the Fortran compiler)")
set_property(CACHE FTORCH_LIFETIME PROPERTY STRINGS auto type component)

# Sets `clean` to TRUE when no pattern of cmake/lifetime_check.F90 leaks or releases twice with the definitions ARGN.
function(_ftorch_lifetime_run clean name)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/lifetime_${name})
  set(definitions ${ARGN})
  list(TRANSFORM definitions PREPEND -D)
  try_run(status compiled ${folder} ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/lifetime_check.F90
          COMPILE_DEFINITIONS ${definitions}
          COMPILE_OUTPUT_VARIABLE compile_output
          RUN_OUTPUT_VARIABLE run_output)
  if(NOT compiled)
    message(FATAL_ERROR "${CMAKE_Fortran_COMPILER} cannot compile cmake/lifetime_check.F90, "
                        "so it cannot compile FTorch either:\n${compile_output}")
  endif()
  file(MAKE_DIRECTORY ${folder})
  file(WRITE ${folder}/output.txt "exit status ${status}\n${run_output}")
  set(result FALSE)
  if(status STREQUAL "0")
    set(result TRUE)
  endif()
  unset(status CACHE)
  unset(compiled CACHE)
  set(${clean} ${result} PARENT_SCOPE)
endfunction()

# Sets `out` to `type` or `component`. Patterns with arrays of temporaries decide for `type`; where it leaks, as with
# gfortran up to 15, `component` must be clean in the ordinary ones.
function(ftorch_lifetime out)
  string(TOLOWER "${FTORCH_LIFETIME}" choice)
  if(choice MATCHES "^(type|component)$")
    set(${out} ${choice} PARENT_SCOPE)
    return()
  elseif(NOT choice STREQUAL "auto")
    message(FATAL_ERROR "FTORCH_LIFETIME is '${FTORCH_LIFETIME}'; it must be auto, type or component")
  elseif(CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR)
    message(FATAL_ERROR
      "FTORCH_LIFETIME=auto runs a program, which is not possible when cross compiling. Compile "
      "cmake/lifetime_check.F90 with -DLIFETIME_CONTAINERS for the target and run it there: when it ends with "
      "status 0, configure with -DFTORCH_LIFETIME=type, otherwise with -DFTORCH_LIFETIME=component.")
  endif()

  set(compiler "${CMAKE_Fortran_COMPILER} ${CMAKE_Fortran_COMPILER_ID} ${CMAKE_Fortran_COMPILER_VERSION}")
  if(NOT FTORCH_LIFETIME_COMPILER STREQUAL compiler)
    set(measured type)
    _ftorch_lifetime_run(type_is_clean type LIFETIME_CONTAINERS)
    if(NOT type_is_clean)
      _ftorch_lifetime_run(component_is_clean component LIFETIME_COMPONENT)
      if(component_is_clean)
        set(measured component)
      else()
        message(WARNING "${compiler} leaks objects with either representation; see the documentation "
                        "of FTorch on lifetimes for what to write with it")
      endif()
    endif()
    set(FTORCH_LIFETIME_COMPILER "${compiler}" CACHE INTERNAL "Compiler whose finalisation was measured")
    set(FTORCH_LIFETIME_MEASURED "${measured}" CACHE INTERNAL "Representation found for it")
  endif()
  set(${out} ${FTORCH_LIFETIME_MEASURED} PARENT_SCOPE)
endfunction()
