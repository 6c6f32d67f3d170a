# SPDX-License-Identifier: MIT
# Every way to FTorch, and the program of the README at its end.
set(readme -DREADME=${shared}/share/ftorch/validation/readme)
set(found ${readme} -DCMAKE_Fortran_COMPILER=${CMAKE_Fortran_COMPILER})
# With the component mpi where it was built; a program on two ranks then.
set(mpi -DFTORCH_MPI=${FTORCH_MPI})
set(ninja -G Ninja -DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM})
if(NOT CMAKE_GENERATOR MATCHES "Ninja")
  set(ninja -G ${CMAKE_GENERATOR})
endif()

# The build at hand, installed and moved.
add_prefix(shared ${PROJECT_BINARY_DIR})
add_user(shared.find_package REQUIRED shared SOURCE find_package WITH CLEAN=ON
         ARGUMENTS ${ninja} ${found} -DCMAKE_PREFIX_PATH=${shared} -DCOMPONENTS=shared ${mpi})
add_user(shared.oldest_cmake OLDEST_CMAKE REQUIRED shared SOURCE find_package WITH CLEAN=ON
         ARGUMENTS -G "Unix Makefiles" ${found} -DCMAKE_PREFIX_PATH=${shared})
add_user(shared.old_policies REQUIRED shared SOURCE old_policies WITH CLEAN=ON
         ARGUMENTS ${ninja} ${found} -DCMAKE_PREFIX_PATH=${shared} -DLIBTORCH=${LibTorch_PREFIX})
add_user(shared.c_interface REQUIRED shared SOURCE c_interface WITH CLEAN=ON
         ARGUMENTS ${ninja} ${compilers} -DCMAKE_PREFIX_PATH=${shared})
add_user(shared.validation REQUIRED shared SOURCE ${shared}/share/ftorch/validation
         WITH CLEAN=ON TARGET=readme TESTS=^readme$ ARGUMENTS ${ninja})
add_user(shared.validation_suite SLOW REQUIRED shared SOURCE ${shared}/share/ftorch/validation WITH CLEAN=ON
         ARGUMENTS ${ninja} -DCMAKE_PREFIX_PATH=${shared})
add_flags(shared pkg-config)
add_flags(shared ftorch-config)
add_install_test(shared.ftorch-config_answers REQUIRED shared
                 COMMAND ${shared}/bin/ftorch-config --version --prefix --cflags)
set_tests_properties(install.shared.ftorch-config_answers PROPERTIES
  PASS_REGULAR_EXPRESSION "^${PROJECT_VERSION} ${shared} -I${shared}/include/ftorch\n$")
add_install_test(shared.ftorch-config_refuses REQUIRED shared COMMAND ${shared}/bin/ftorch-config --libs --no-such)
set_tests_properties(install.shared.ftorch-config_refuses PROPERTIES
  PASS_REGULAR_EXPRESSION "^ftorch-config: unknown option '--no-such'")
add_install_test(presets COMMAND ${with_oldest_cmake} ${oldest_cmake}/bin/cmake --list-presets=all)
set_tests_properties(install.presets PROPERTIES
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  RESOURCE_LOCK oldest_cmake
  FAIL_REGULAR_EXPRESSION "Error"
  PASS_REGULAR_EXPRESSION "\"asan\"")
if(CMAKE_GENERATOR MATCHES "Ninja")
  add_user(shared.multi_config REQUIRED shared SOURCE find_package WITH CLEAN=ON
           ARGUMENTS -G "Ninja Multi-Config" -DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM} ${found}
                     -DCMAKE_PREFIX_PATH=${shared})
endif()

# A process has one libgomp, and LibTorch's own is older than the compiler's.
add_install_test(shared.openmp REQUIRED shared
                 COMMAND ldd ${CMAKE_CURRENT_BINARY_DIR}/shared.find_package/readme/readme)
set_tests_properties(install.shared.openmp PROPERTIES
  DEPENDS install.shared.find_package
  FAIL_REGULAR_EXPRESSION "${LibTorch_LIBRARY_DIR}/libgomp;not found")

# Compiled anew as a part of the user's build: static with the oldest CMake and Make; shared, as one unit of C++, with
# several configurations. The static library is then installed for others.
set(within ${readme} ${compilers} ${mpi} -DFTORCH_SOURCE=${PROJECT_SOURCE_DIR} -DLibTorch_ROOT=${LibTorch_PREFIX}
           -DPython3_EXECUTABLE=${Python3_EXECUTABLE} -DFTORCH_FYPP_EXECUTABLE=${FTORCH_FYPP_EXECUTABLE})
add_user(fetch_content SLOW OLDEST_CMAKE SETUP static_build REQUIRED shared SOURCE fetch_content
         ARGUMENTS -G "Unix Makefiles" ${within})
if(CMAKE_GENERATOR MATCHES "Ninja")
  add_user(add_subdirectory SLOW REQUIRED shared SOURCE add_subdirectory
           ARGUMENTS -G "Ninja Multi-Config" -DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM} ${within} -DFTORCH_MAX_RANK=2
                     -DBUILD_SHARED_LIBS=ON -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=0)
endif()

add_prefix(static ${CMAKE_CURRENT_BINARY_DIR}/fetch_content SLOW REQUIRED static_build)
add_user(static.find_package SLOW REQUIRED static shared SOURCE find_package WITH CLEAN=ON
         ARGUMENTS ${ninja} ${found} -DCMAKE_PREFIX_PATH=${static} -DCOMPONENTS=static ${mpi})
add_flags(static pkg-config --static)
add_flags(static ftorch-config)
set_tests_properties(install.static.pkg-config install.static.ftorch-config PROPERTIES LABELS "install;slow")
add_install_test(static.openmp SLOW REQUIRED static
                 COMMAND ldd ${CMAKE_CURRENT_BINARY_DIR}/static.find_package/readme/readme)
set_tests_properties(install.static.openmp PROPERTIES
  DEPENDS install.static.find_package
  FAIL_REGULAR_EXPRESSION "${LibTorch_LIBRARY_DIR}/libgomp;not found")
