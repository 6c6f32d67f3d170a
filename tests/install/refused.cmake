# SPDX-License-Identifier: MIT
# Usage: cmake -D BUILD=<folder> -D MESSAGE=<regular expression> -P refused.cmake -- <argument of cmake>...
# Configures from scratch, and passes when that fails with the message; CMake breaks lines, so that any space is one.
cmake_minimum_required(VERSION 3.21)
file(REMOVE_RECURSE ${BUILD})
include(${CMAKE_CURRENT_LIST_DIR}/arguments.cmake)
execute_process(COMMAND ${CMAKE_COMMAND} -B ${BUILD} ${arguments}
                OUTPUT_VARIABLE output ERROR_VARIABLE error RESULT_VARIABLE status)
message("${output}${error}")
if(status EQUAL 0)
  message(FATAL_ERROR "this configuration should have failed")
endif()
string(REGEX REPLACE "[ \n]+" " " error "${error}")
if(NOT error MATCHES "${MESSAGE}")
  message(FATAL_ERROR "the message has no match of: ${MESSAGE}")
endif()
