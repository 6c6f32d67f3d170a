# SPDX-License-Identifier: MIT
# Installs the validation suite, a project that builds and runs the core tests and the README's program against the
# installed library. It needs neither Fypp nor Python: templates are expanded and model files made with the library.

set(suite ${PROJECT_BINARY_DIR}/validation)
set(suite_folder ${CMAKE_INSTALL_DATADIR}/ftorch/validation)
file(MAKE_DIRECTORY ${suite}/cmake ${suite}/readme)
configure_file(cmake/validation_compiler.cmake.in ${suite}/cmake/compiler.cmake @ONLY)

file(GLOB templates CONFIGURE_DEPENDS tests/fortran/*.fypp)
ftorch_fypp(suite_sources FOLDER ${suite}/fortran NO_LINE_MARKERS TEMPLATES ${templates})

execute_process(COMMAND ${Python3_EXECUTABLE} -c
                "import sys; from importlib.util import find_spec; sys.exit(not find_spec('torch'))"
                RESULT_VARIABLE status ERROR_QUIET)
if(status EQUAL 0)
  file(GLOB model_scripts CONFIGURE_DEPENDS tests/models/*.py)
  add_custom_command(OUTPUT ${suite}/models.stamp
    COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/tests/models/make_models.py ${suite}/models
    COMMAND ${CMAKE_COMMAND} -E touch ${suite}/models.stamp
    DEPENDS ${model_scripts}
    COMMENT "Making the model files of the validation suite" VERBATIM)
  add_custom_command(OUTPUT ${suite}/readme/network.pt
    COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/docs/programs/network.py
    WORKING_DIRECTORY ${suite}/readme
    DEPENDS docs/programs/network.py
    COMMENT "Making the network of the README" VERBATIM)
  set(suite_files ${suite}/models.stamp ${suite}/readme/network.pt)
else()
  message(STATUS "The validation suite will skip tests of models: ${Python3_EXECUTABLE} has no PyTorch to make them")
endif()
add_custom_target(ftorch_validation ALL DEPENDS ${suite_sources} ${suite_files})

install(DIRECTORY tests/validation/ ${suite}/ DESTINATION ${suite_folder} PATTERN "*.stamp" EXCLUDE)
install(DIRECTORY tests/fortran DESTINATION ${suite_folder} PATTERN "*.fypp" EXCLUDE)
install(FILES docs/programs/readme.f90 docs/programs/readme.txt DESTINATION ${suite_folder}/readme)
install(FILES cmake/FTorchTest.cmake cmake/discover_cases.cmake DESTINATION ${suite_folder}/cmake)
