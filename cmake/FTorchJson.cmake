# SPDX-License-Identifier: MIT
# Finds the headers of nlohmann-json, of which nothing gets into what is installed: in the package nlohmann_json of the Python
# in use, in CMAKE_PREFIX_PATH or in the system.
execute_process(
  COMMAND ${Python3_EXECUTABLE} -c
"from importlib.util import find_spec
json = find_spec('nlohmann_json')
print(json.submodule_search_locations[0] if json else '', end='')"
  OUTPUT_VARIABLE _ftorch_json ERROR_QUIET)
find_path(FTORCH_JSON_INCLUDE_DIR nlohmann/json.hpp HINTS "${_ftorch_json}/include"
          DOC "Folder that holds nlohmann/json.hpp")
mark_as_advanced(FTORCH_JSON_INCLUDE_DIR)
if(NOT FTORCH_JSON_INCLUDE_DIR)
  message(FATAL_ERROR
    "nlohmann-json, with which FTorch reads the heads of safetensors files, was found neither as a package of the Python in "
    "use (${Python3_EXECUTABLE}) nor in CMAKE_PREFIX_PATH and the system.\n"
    "Install it with\n  ${Python3_EXECUTABLE} -m pip install nlohmann_json\n"
    "or from the system (on Debian nlohmann-json3-dev), or say where it is with "
    "-DFTORCH_JSON_INCLUDE_DIR=<folder that holds nlohmann/json.hpp>.")
elseif(NOT EXISTS "${FTORCH_JSON_INCLUDE_DIR}/nlohmann/json.hpp")
  message(FATAL_ERROR "FTORCH_JSON_INCLUDE_DIR is '${FTORCH_JSON_INCLUDE_DIR}', which holds no nlohmann/json.hpp")
endif()
