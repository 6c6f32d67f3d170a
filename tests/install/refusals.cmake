# SPDX-License-Identifier: MIT
# Requests that cannot be fulfilled say what was looked for and where.
set(user ${CMAKE_CURRENT_SOURCE_DIR}/refused -DCMAKE_PREFIX_PATH=${shared})
set(family -DFAMILY=${CMAKE_Fortran_COMPILER_ID})
math(EXPR next_minor "${PROJECT_VERSION_MINOR} + 1")

add_refusal(version REQUIRED shared
  MESSAGE "compatible with requested version.*FTorchConfig.cmake, version: ${version}"
  ARGUMENTS ${user} ${family} -DVERSION=${PROJECT_VERSION_MAJOR}.${next_minor})
add_refusal(component REQUIRED shared
  MESSAGE "no component 'static': it is a shared library over the LibTorch ${LibTorch_VERSION} at ${LibTorch_PREFIX}"
  ARGUMENTS ${user} ${family} -DCOMPONENTS=static)
add_refusal(compiler REQUIRED shared
  MESSAGE "with ${CMAKE_Fortran_COMPILER_ID} ${CMAKE_Fortran_COMPILER_VERSION}, whose Fortran modules Other cannot read"
  ARGUMENTS ${user} -DFAMILY=Other)
add_refusal(coarray REQUIRED shared
  MESSAGE "built with the option '' for coarrays, and this project has '-fcoarray=single': build FTorch with"
  ARGUMENTS ${user} ${family} -DFLAGS=-fcoarray=single)
add_refusal(other_libtorch REQUIRED shared
  MESSAGE "exact version \"${LibTorch_VERSION}\".*ROOT: ${CMAKE_CURRENT_SOURCE_DIR} .*PREFIX_PATH: .*/another/prefix "
  ARGUMENTS ${user} ${family} -DLibTorch_ROOT=${CMAKE_CURRENT_SOURCE_DIR} -DPython3_EXECUTABLE=/no/python)

# FTorch itself, with a Python that has neither package.
set(bare ${CMAKE_CURRENT_BINARY_DIR}/bare_python)
add_install_test(bare_python SETUP bare_python COMMAND ${Python3_EXECUTABLE} -m venv --clear --without-pip ${bare})
set(ftorch ${PROJECT_SOURCE_DIR} -DPython3_EXECUTABLE=${bare}/bin/python)
add_refusal(libtorch REQUIRED bare_python
  MESSAGE "LibTorch was looked for at LibTorch_ROOT: /no/libtorch \\(since it is set, nowhere else\\) CMAKE_PREFIX_PATH: /no/prefix \
Torch_DIR: /no/torch \
the package torch of Python: ${bare}/bin/python Activate the Python environment that has PyTorch"
  ARGUMENTS ${ftorch} -DFTORCH_FYPP_EXECUTABLE=${FTORCH_FYPP_EXECUTABLE} -DLibTorch_ROOT=/no/libtorch
            -DCMAKE_PREFIX_PATH=/no/prefix -DTorch_DIR=/no/torch)
add_refusal(fypp REQUIRED bare_python
  MESSAGE "Fypp.*not found next to the Python in use \\(${bare}/bin/python\\), as a module of it, nor on PATH.*install fypp"
  ARGUMENTS ${ftorch} -DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM} -DCMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH=OFF
            -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF)
add_refusal(json REQUIRED bare_python
  MESSAGE "nlohmann-json.*Python in use \\(${bare}/bin/python\\) nor in CMAKE_PREFIX_PATH.*install nlohmann_json.*nlohmann-json3-dev"
  ARGUMENTS ${ftorch} -DFTORCH_FYPP_EXECUTABLE=${FTORCH_FYPP_EXECUTABLE} -DLibTorch_ROOT=${LibTorch_PREFIX}
            -DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM} -DCMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH=OFF
            -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF)
add_refusal(rank
  MESSAGE "FTORCH_MAX_RANK is '16'; it must be a number from 1 to 15" ARGUMENTS ${ftorch} -DFTORCH_MAX_RANK=16)

# Paths that name nothing, although what they are for can be found elsewhere.
set(ftorch ${PROJECT_SOURCE_DIR} -DPython3_EXECUTABLE=${Python3_EXECUTABLE})
add_refusal(libtorch_root
  MESSAGE "Could NOT find LibTorch.* LibTorch_ROOT: /no/libtorch \\(since it is set, nowhere else\\) "
  ARGUMENTS ${ftorch} -DLibTorch_ROOT=/no/libtorch)
add_refusal(fypp_executable
  MESSAGE "FTORCH_FYPP_EXECUTABLE is '/no/fypp', which does not run" ARGUMENTS ${ftorch} -DFTORCH_FYPP_EXECUTABLE=/no/fypp)
add_refusal(json_include_dir
  MESSAGE "FTORCH_JSON_INCLUDE_DIR is '/no/json', which holds no nlohmann/json.hpp"
  ARGUMENTS ${ftorch} -DFTORCH_JSON_INCLUDE_DIR=/no/json)
add_refusal(binding_dir
  MESSAGE "FTORCH_ISO_FORTRAN_BINDING_DIR is '/usr/include', which holds no ISO_Fortran_binding.h"
  ARGUMENTS ${ftorch} -DFTORCH_ISO_FORTRAN_BINDING_DIR=/usr/include)

# Fypp as a module alone, and a LibTorch_ROOT that was given after another one had been found.
add_install_test(configured COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/configured.sh ${CMAKE_COMMAND} ${Python3_EXECUTABLE}
                 ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_BINARY_DIR}/configured -G ${CMAKE_GENERATOR}
                 -DCMAKE_MAKE_PROGRAM=${CMAKE_MAKE_PROGRAM} ${compilers})
