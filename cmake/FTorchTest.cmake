# SPDX-License-Identifier: MIT
# Makes each case of a test program a test of ctest, here and in the installed validation suite. A program prints its
# cases for --list, one a line with labels after the name, and runs the case that it is given; exit status 77 means
# skipped.
find_package(OpenMP COMPONENTS Fortran)

# ftorch_add_test_program(<noun> SOURCES <file>... [LIBRARIES <target>...] [RUNS <run>...]) builds test_<noun> from
# Fortran files and templates, and adds its cases as fortran.<noun>.<case>, each with the label unit. They find the
# model files in the folder FTORCH_TEST_MODELS. A program that was not built is one failing test. With RUNS the cases
# are added once for each run <prefix>|<label>[|<variable>=<value>]..., as <prefix>.<noun>.<case>, in that environment.
function(ftorch_add_test_program noun)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES;RUNS" ${ARGN})
  if(NOT arg_RUNS)
    set(arg_RUNS "fortran|unit")
  endif()
  list(JOIN arg_RUNS "," runs)
  set(program test_${noun})
  ftorch_add_fortran(${program} SOURCES ${arg_SOURCES} LIBRARIES ${arg_LIBRARIES})

  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${program}.dir)
  file(MAKE_DIRECTORY ${folder})
  set(discover ${CMAKE_COMMAND} -D NOUN=${noun} -D PROGRAM=$<TARGET_FILE:${program}> -D FOLDER=${folder}
               -D MODELS=${FTORCH_TEST_MODELS} -D RUNS=${runs}
               -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/discover_cases.cmake)
  add_custom_command(TARGET ${program} POST_BUILD COMMAND ${discover} COMMENT "Listing cases of ${program}" VERBATIM)
  file(GENERATE OUTPUT ${folder}/include.cmake CONTENT
"if(EXISTS \"${folder}/cases.cmake\" AND EXISTS \"$<TARGET_FILE:${program}>\")
  include(\"${folder}/cases.cmake\")
else()
  add_test(fortran.${noun}.not_built \"${CMAKE_COMMAND}\" -E cat \"$<TARGET_FILE:${program}>\")
  set_tests_properties(fortran.${noun}.not_built PROPERTIES LABELS unit)
endif()
")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${folder}/include.cmake)
endfunction()

# Adds an executable over FTorch from Fortran files and templates, with OpenMP where a source has its sentinel.
function(ftorch_add_fortran target)
  cmake_parse_arguments(arg "" "" "SOURCES;LIBRARIES" ${ARGN})
  set(templates ${arg_SOURCES})
  list(FILTER templates INCLUDE REGEX "[.]fypp$")
  list(FILTER arg_SOURCES EXCLUDE REGEX "[.]fypp$")
  set(expanded)
  if(templates)
    ftorch_fypp(expanded TEMPLATES ${templates})
  endif()
  add_executable(${target} ${arg_SOURCES} ${expanded})
  set_target_properties(${target} PROPERTIES
    Fortran_MODULE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${target}.dir
    Fortran_PREPROCESS OFF)
  if(templates)
    # Each row of a table adds a procedure that runs once: optimising them takes most of the compile time. Without it gfortran 11
    # warns of variables of its own.
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:Fortran>:-O0>
      $<$<COMPILE_LANG_AND_ID:Fortran,GNU>:-Wno-maybe-uninitialized>)
  endif()
  target_link_libraries(${target} PRIVATE ${arg_LIBRARIES} FTorch::ftorch)
  if(COMMAND ftorch_warnings)
    ftorch_warnings(${target})
  endif()
  foreach(source IN LISTS arg_SOURCES templates)
    file(STRINGS ${source} sentinels REGEX "^ *!\\$" LIMIT_COUNT 1)
    if(sentinels AND OpenMP_Fortran_FOUND)
      target_link_libraries(${target} PRIVATE OpenMP::OpenMP_Fortran)
    endif()
  endforeach()
endfunction()
