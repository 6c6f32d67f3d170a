# SPDX-License-Identifier: MIT
# Installs the validation suite, a project that builds and runs the core tests and the README's program against the
# installed library. It needs neither Fypp nor Python: templates are expanded and model files made with the library.

set(suite ${PROJECT_BINARY_DIR}/validation)
set(suite_folder ${CMAKE_INSTALL_DATADIR}/ftorch/validation)
file(MAKE_DIRECTORY ${suite}/cmake ${suite}/readme)
configure_file(cmake/validation_compiler.cmake.in ${suite}/cmake/compiler.cmake @ONLY)

file(GLOB templates CONFIGURE_DEPENDS tests/fortran/*.fypp)
ftorch_fypp(suite_sources FOLDER ${suite}/fortran NO_LINE_MARKERS TEMPLATES ${templates})

if(FTORCH_TEST_MODELS)
  add_custom_command(OUTPUT ${suite}/readme/network.pt2
    COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/docs/programs/network.py
    WORKING_DIRECTORY ${suite}/readme
    DEPENDS docs/programs/network.py
    COMMENT "Making the network of the README" VERBATIM)
  set(suite_network ${suite}/readme/network.pt2)
  install(DIRECTORY ${FTORCH_TEST_MODELS} DESTINATION ${suite_folder})
endif()
add_custom_target(ftorch_validation ALL DEPENDS ${suite_sources} ${suite_network})

install(DIRECTORY tests/validation/ ${suite}/ DESTINATION ${suite_folder})
install(DIRECTORY tests/fortran DESTINATION ${suite_folder} PATTERN "*.fypp" EXCLUDE)
install(FILES docs/programs/readme.f90 docs/programs/readme.txt DESTINATION ${suite_folder}/readme)
install(FILES cmake/FTorchTest.cmake cmake/discover_cases.cmake DESTINATION ${suite_folder}/cmake)
