# SPDX-License-Identifier: MIT
# Writes FOLDER/cases.cmake, which adds to ctest the cases that PROGRAM lists; run after PROGRAM was built.
cmake_minimum_required(VERSION 3.21)
file(REMOVE ${FOLDER}/cases.cmake)
execute_process(COMMAND ${PROGRAM} --list WORKING_DIRECTORY ${FOLDER}
                OUTPUT_VARIABLE listing ERROR_VARIABLE message RESULT_VARIABLE status TIMEOUT 60)
string(REGEX REPLACE "\n+" ";" cases "${listing}")
list(REMOVE_ITEM cases "")
if(NOT status EQUAL 0 OR NOT cases)
  message(FATAL_ERROR "${PROGRAM} --list named no cases (${status}):\n${listing}${message}")
endif()

# Tests run side by side: threads that wait by spinning would take each other's cores.
set(threads OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive)
string(REPLACE "," ";" runs "${RUNS}")
set(script "")
foreach(run IN LISTS runs)
  string(REPLACE "|" ";" environment "${run}")
  list(POP_FRONT environment prefix run_label)
  list(APPEND environment FTORCH_TEST_MODELS=${MODELS} ${threads})
  foreach(case IN LISTS cases)
    separate_arguments(labels UNIX_COMMAND "${case}")
    list(POP_FRONT labels name)
    set(test ${prefix}.${NOUN}.${name})
    list(PREPEND labels ${run_label})
    string(APPEND script
"add_test([=[${test}]=] [=[${PROGRAM}]=] [=[${name}]=])
set_tests_properties([=[${test}]=] PROPERTIES LABELS [=[${labels}]=] SKIP_RETURN_CODE 77 TIMEOUT 120
  WORKING_DIRECTORY [=[${FOLDER}]=] ENVIRONMENT [=[${environment}]=])
")
  endforeach()
endforeach()
file(WRITE ${FOLDER}/cases.cmake "${script}")
