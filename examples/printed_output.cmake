# SPDX-License-Identifier: MIT
# Tests of examples that print a few lines: what a program prints is compared with output.txt beside it.
set(Python3_FIND_VIRTUALENV FIRST)
find_package(Python3 REQUIRED COMPONENTS Interpreter)
get_filename_component(example ${CMAKE_CURRENT_SOURCE_DIR} NAME)
set(example example.${example})
set(check_program ${Python3_EXECUTABLE} ${CMAKE_CURRENT_LIST_DIR}/../docs/programs/check_program.py
                  --expected ${CMAKE_CURRENT_SOURCE_DIR}/output.txt)

# example_network(): the test that makes the model file with model.py, before those that read it.
function(example_network)
  add_test(NAME ${example}.network COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/model.py)
  set_tests_properties(${example}.network PROPERTIES FIXTURES_SETUP ${example}.network LABELS "example;python")
endfunction()

# example_prints(<name> [<argument>]): the program <name> and its twin <name>.py print output.txt; README.md shows all that
# is needed. With an argument the test is named after it.
function(example_prints name)
  set(test ${example} ${ARGN})
  list(JOIN test . test)
  set(shown --readme ${CMAKE_CURRENT_SOURCE_DIR}/README.md --block ${CMAKE_CURRENT_SOURCE_DIR}/${name}.f90)
  if(TEST ${example}.network)
    list(APPEND shown --block ${CMAKE_CURRENT_SOURCE_DIR}/model.py)
  endif()
  add_test(NAME ${test} COMMAND ${check_program} ${shown} -- $<TARGET_FILE:${name}> ${ARGN})
  add_test(NAME ${test}.python
           COMMAND ${check_program} -- ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/${name}.py ${ARGN})
  set_tests_properties(${test} ${test}.python PROPERTIES LABELS example ENVIRONMENT OMP_NUM_THREADS=1)
  set_property(TEST ${test}.python APPEND PROPERTY LABELS python)
  if(TEST ${example}.network)
    set_tests_properties(${test} ${test}.python PROPERTIES FIXTURES_REQUIRED ${example}.network)
  endif()
endfunction()
