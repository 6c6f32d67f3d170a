# SPDX-License-Identifier: MIT
# Makes the model files of the tests as part of the build, in the folder FTORCH_TEST_MODELS. That is empty where Python
# has no PyTorch to make them; tests of models then say that they skip.

set(FTORCH_TEST_MODELS "")
execute_process(COMMAND ${Python3_EXECUTABLE} -c
                "import sys; from importlib.util import find_spec; sys.exit(not find_spec('torch'))"
                RESULT_VARIABLE status ERROR_QUIET)
if(NOT status EQUAL 0)
  message(STATUS "Tests of models will skip: ${Python3_EXECUTABLE} has no PyTorch to make them")
  return()
endif()

set(FTORCH_TEST_MODELS ${PROJECT_BINARY_DIR}/models)
file(GLOB model_scripts CONFIGURE_DEPENDS tests/models/*.py)
add_custom_command(OUTPUT ${FTORCH_TEST_MODELS}.stamp
  COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/tests/models/make_models.py ${FTORCH_TEST_MODELS}
  COMMAND ${CMAKE_COMMAND} -E touch ${FTORCH_TEST_MODELS}.stamp
  DEPENDS ${model_scripts}
  COMMENT "Making the model files of the tests" VERBATIM)
add_custom_target(ftorch_models ALL DEPENDS ${FTORCH_TEST_MODELS}.stamp)
