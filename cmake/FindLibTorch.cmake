# SPDX-License-Identifier: MIT
#[=======================================================================[.rst:
FindLibTorch
------------

Finds LibTorch and links its libraries directly, without the CUDA toolkit that ``find_package(Torch)`` demands of a
CUDA build. ``LibTorch_ROOT`` (variable or environment) alone says where it is, if it is set. Else this looks, in this order, at
``CMAKE_PREFIX_PATH`` (variable or environment), ``Torch_DIR``, the ``torch`` package of the Python in use, which is not
imported, and the system.

Defines the target ``LibTorch::LibTorch`` and the variables ``LibTorch_FOUND``, ``LibTorch_VERSION``,
``LibTorch_PREFIX``, ``LibTorch_INCLUDE_DIRS``, ``LibTorch_LIBRARY_DIR``, ``LibTorch_LIBRARIES`` (link items) and
``LibTorch_CXX11_ABI`` (0 or 1).
#]=======================================================================]

# Of a project with a policy version below 3.12 CMake itself would not look there.
file(TO_CMAKE_PATH "$ENV{LibTorch_ROOT}" _libtorch_environment)
set(_libtorch_roots ${LibTorch_ROOT} ${_libtorch_environment})
if(_libtorch_roots)
  # What was found before the variable was set is another one.
  unset(LibTorch_INCLUDE_DIR CACHE)
  find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/version.h
            HINTS ${_libtorch_roots} PATH_SUFFIXES include NO_DEFAULT_PATH)
endif()

set(_libtorch_hints)

# Both Torch_DIR and torch.utils.cmake_prefix_path point below <prefix>/share/cmake.
if(Torch_DIR)
  list(APPEND _libtorch_hints "${Torch_DIR}/../../..")
endif()
file(TO_CMAKE_PATH "$ENV{CMAKE_PREFIX_PATH}" _libtorch_environment)
foreach(_libtorch_prefix IN LISTS CMAKE_PREFIX_PATH _libtorch_environment)
  if(EXISTS "${_libtorch_prefix}/Torch/TorchConfig.cmake")
    list(APPEND _libtorch_hints "${_libtorch_prefix}/../..")
  endif()
endforeach()

if(NOT _libtorch_roots)
  find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/version.h
            HINTS ${_libtorch_hints} PATH_SUFFIXES include
            NO_SYSTEM_ENVIRONMENT_PATH NO_CMAKE_SYSTEM_PATH)
endif()

if(NOT LibTorch_INCLUDE_DIR AND NOT _libtorch_roots)
  if(NOT Python3_EXECUTABLE)
    set(Python3_FIND_VIRTUALENV FIRST)
    find_package(Python3 QUIET COMPONENTS Interpreter)
  endif()
  if(Python3_EXECUTABLE)
    execute_process(
      COMMAND ${Python3_EXECUTABLE} -c
"from importlib.util import find_spec
torch = find_spec('torch')
print(torch.submodule_search_locations[0] if torch else '', end='')"
      OUTPUT_VARIABLE _libtorch_prefix ERROR_QUIET)
    find_path(LibTorch_INCLUDE_DIR torch/csrc/api/include/torch/version.h
              HINTS "${_libtorch_prefix}" PATH_SUFFIXES include)
  endif()
endif()

if(LibTorch_INCLUDE_DIR)
  get_filename_component(LibTorch_PREFIX "${LibTorch_INCLUDE_DIR}" DIRECTORY)
  set(LibTorch_PREFIX "${LibTorch_PREFIX}" CACHE INTERNAL "Folder of LibTorch")
  set(LibTorch_INCLUDE_DIRS "${LibTorch_INCLUDE_DIR}" "${LibTorch_INCLUDE_DIR}/torch/csrc/api/include")
  foreach(_libtorch_name IN ITEMS c10 torch_cpu torch torch_cuda c10_cuda torch_hip c10_hip torch_xpu c10_xpu)
    find_library(LibTorch_${_libtorch_name}_LIBRARY ${_libtorch_name}
                 HINTS "${LibTorch_PREFIX}" PATH_SUFFIXES lib lib64 NO_DEFAULT_PATH NO_CACHE)
  endforeach()
  if(LibTorch_torch_cpu_LIBRARY)
    get_filename_component(LibTorch_LIBRARY_DIR "${LibTorch_torch_cpu_LIBRARY}" DIRECTORY)
  endif()

  set(_libtorch_version_file "${LibTorch_INCLUDE_DIR}/torch/headeronly/version.h")
  if(NOT EXISTS "${_libtorch_version_file}")
    set(_libtorch_version_file "${LibTorch_INCLUDE_DIR}/torch/csrc/api/include/torch/version.h")
  endif()
  set(_libtorch_numbers)
  foreach(_libtorch_part IN ITEMS MAJOR MINOR PATCH)
    file(STRINGS "${_libtorch_version_file}" _libtorch_line REGEX "define TORCH_VERSION_${_libtorch_part} [0-9]+")
    string(REGEX MATCH "[0-9]+$" _libtorch_number "${_libtorch_line}")
    list(APPEND _libtorch_numbers "${_libtorch_number}")
  endforeach()
  list(JOIN _libtorch_numbers . LibTorch_VERSION)

  # Releases before 2.7 exist with either ABI of libstdc++ and say so in TorchConfig.cmake; later ones have the new one.
  set(LibTorch_CXX11_ABI 1)
  set(_libtorch_config "${LibTorch_PREFIX}/share/cmake/Torch/TorchConfig.cmake")
  if(EXISTS "${_libtorch_config}")
    file(STRINGS "${_libtorch_config}" _libtorch_line REGEX "_GLIBCXX_USE_CXX11_ABI=0")
    if(_libtorch_line)
      set(LibTorch_CXX11_ABI 0)
    endif()
  endif()
endif()
mark_as_advanced(LibTorch_INCLUDE_DIR)

# A list would become several arguments.
string(REPLACE ";" " " _libtorch_prefixes "${CMAKE_PREFIX_PATH} $ENV{CMAKE_PREFIX_PATH}")
set(_libtorch_alone)
if(_libtorch_roots)
  set(_libtorch_alone " (since it is set, nowhere else)")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_INCLUDE_DIR LibTorch_torch_LIBRARY LibTorch_torch_cpu_LIBRARY LibTorch_c10_LIBRARY
  VERSION_VAR LibTorch_VERSION
  REASON_FAILURE_MESSAGE "
LibTorch was looked for at
  LibTorch_ROOT: ${LibTorch_ROOT} $ENV{LibTorch_ROOT}${_libtorch_alone}
  CMAKE_PREFIX_PATH: ${_libtorch_prefixes}
  Torch_DIR: ${Torch_DIR}
  the package torch of Python: ${Python3_EXECUTABLE}
Activate the Python environment that has PyTorch, install it (python -m pip install torch), or unpack LibTorch and
configure with -DLibTorch_ROOT=<folder that holds its include and lib>.")

if(LibTorch_FOUND)
  set(LibTorch_LIBRARIES "${LibTorch_torch_LIBRARY}" "${LibTorch_torch_cpu_LIBRARY}" "${LibTorch_c10_LIBRARY}")
  # The linker must keep device libraries although no symbol of theirs is used: to load one registers the device. They
  # are one item, so that CMake cannot part the library from its flags.
  set(_libtorch_devices)
  foreach(_libtorch_name IN ITEMS torch_cuda c10_cuda torch_hip c10_hip torch_xpu c10_xpu)
    if(LibTorch_${_libtorch_name}_LIBRARY)
      string(APPEND _libtorch_devices ",${LibTorch_${_libtorch_name}_LIBRARY}")
    endif()
  endforeach()
  if(_libtorch_devices)
    list(PREPEND LibTorch_LIBRARIES "-Wl,--push-state,--no-as-needed${_libtorch_devices},--pop-state")
  endif()

  if(NOT TARGET LibTorch::LibTorch)
    add_library(LibTorch::LibTorch INTERFACE IMPORTED)
    target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE ${LibTorch_INCLUDE_DIRS})
    target_compile_definitions(LibTorch::LibTorch
      INTERFACE $<$<COMPILE_LANGUAGE:CXX>:_GLIBCXX_USE_CXX11_ABI=${LibTorch_CXX11_ABI}>)
    target_link_libraries(LibTorch::LibTorch INTERFACE ${LibTorch_LIBRARIES})
  endif()
endif()
