# SPDX-License-Identifier: MIT
# Usage: cmake -D SOURCE=<folder> -D BUILD=<folder> -D CONFIG=<configuration> [-D CMAKE=<cmake>] [-D TARGET=<target>]
#              [-D TESTS=<regular expression>] [-D CLEAN=ON] -P build_and_test.cmake -- <argument of cmake>...
# Configures a project, builds it and runs its tests, with no folder of libraries in the environment. CMake does not see
# that modules of an installed FTorch changed: CLEAN compiles anew.
cmake_minimum_required(VERSION 3.21)
unset(ENV{LD_LIBRARY_PATH})
if(NOT CMAKE)
  set(CMAKE ${CMAKE_COMMAND})
endif()
if(NOT TESTS)
  set(TESTS .)
endif()

include(${CMAKE_CURRENT_LIST_DIR}/arguments.cmake)

set(build --build ${BUILD} --config ${CONFIG} --parallel 2)
if(TARGET)
  list(APPEND build --target ${TARGET})
endif()
if(CLEAN)
  list(APPEND build --clean-first)
endif()
get_filename_component(folder ${CMAKE} DIRECTORY)
execute_process(COMMAND ${CMAKE} -S ${SOURCE} -B ${BUILD} ${arguments} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE} ${build} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${folder}/ctest --test-dir ${BUILD} -C ${CONFIG} -R "${TESTS}" --output-on-failure
                        --no-tests=error --parallel 2
                COMMAND_ERROR_IS_FATAL ANY)
