# SPDX-License-Identifier: MIT
# Expands templates at build time, with dependencies on every macro file and catalog table: by Fypp, which it finds, or
# from what a source package has expanded.

include(FTorchExpanded)
if(NOT Python3_EXECUTABLE)
  set(Python3_FIND_VIRTUALENV FIRST)
  find_package(Python3 3.10 QUIET COMPONENTS Interpreter)
endif()
get_filename_component(_ftorch_python_folder "${Python3_EXECUTABLE}" DIRECTORY)
find_program(FTORCH_FYPP_EXECUTABLE fypp HINTS "${_ftorch_python_folder}" DOC "The Fortran preprocessor Fypp")
mark_as_advanced(FTORCH_FYPP_EXECUTABLE)
set(FTORCH_FYPP_COMMAND ${FTORCH_FYPP_EXECUTABLE})
if(NOT FTORCH_FYPP_EXECUTABLE)
  # Not every installation has the command, or has it on PATH.
  set(FTORCH_FYPP_COMMAND ${Python3_EXECUTABLE} -m fypp)
endif()
if(NOT FTORCH_EXPANDED)
  execute_process(COMMAND ${FTORCH_FYPP_COMMAND} --version
                  OUTPUT_VARIABLE _ftorch_fypp_version RESULT_VARIABLE _ftorch_status ERROR_QUIET)
  if(FTORCH_FYPP_EXECUTABLE AND NOT _ftorch_status EQUAL 0)
    message(FATAL_ERROR "FTORCH_FYPP_EXECUTABLE is '${FTORCH_FYPP_EXECUTABLE}', which does not run (${_ftorch_status})")
  elseif(NOT _ftorch_fypp_version MATCHES "[Ff]ypp")
    message(FATAL_ERROR
      "${_ftorch_why_fypp}Fypp, which expands the templates of FTorch, was not found next to the Python in use "
      "(${Python3_EXECUTABLE}), as a module of it, nor on PATH.\n"
      "Install it with\n  ${Python3_EXECUTABLE} -m pip install fypp\n"
      "or say where it is with -DFTORCH_FYPP_EXECUTABLE=<path>.")
  endif()
endif()

# ftorch_fypp(<out> [FOLDER <folder>] [NO_LINE_MARKERS] TEMPLATES <template>...) expands <name>.fypp to <name>.f90 and
# <name>.<extension>.fypp to <name>.<extension> in a folder of the build tree, and lists the results in <out>. Line
# markers make compilers and debuggers point at the template. Every template sees the catalog, the files of src/fypp
# and the variables given in FTORCH_FYPP_VARIABLES.
function(ftorch_fypp out)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NO_LINE_MARKERS" "FOLDER" "TEMPLATES")
  if(NOT arg_FOLDER)
    set(arg_FOLDER ${CMAKE_CURRENT_BINARY_DIR}/fypp)
  endif()
  set(markers --line-numbering)
  if(arg_NO_LINE_MARKERS)
    set(markers)
  endif()
  set(root ${FTorch_SOURCE_DIR}/src)
  file(GLOB_RECURSE shared CONFIGURE_DEPENDS ${root}/fypp/*.fypp ${root}/catalog/*.py)
  list(TRANSFORM FTORCH_FYPP_VARIABLES PREPEND -D)
  set(results)
  file(MAKE_DIRECTORY ${arg_FOLDER})
  foreach(template IN LISTS arg_TEMPLATES)
    get_filename_component(template "${template}" ABSOLUTE)
    get_filename_component(name "${template}" NAME_WLE)
    if(NOT name MATCHES "[.]")
      string(APPEND name .f90)
    endif()
    set(result ${arg_FOLDER}/${name})
    if(name MATCHES "[.]f90$")
      set(style --line-length=132)
      set(finish COMMAND ${CMAKE_COMMAND} -DFILE=${result} -P ${FTorch_SOURCE_DIR}/cmake/drop_markers.cmake)
    else()
      set(style --no-folding --line-marker-format=std)
      set(finish)
    endif()
    set(expand ${CMAKE_COMMAND} -E env PYTHONDONTWRITEBYTECODE=1
               ${FTORCH_FYPP_COMMAND} --create-parents ${markers} ${style} -M ${root} -m catalog
               -I ${root}/fypp ${FTORCH_FYPP_VARIABLES} ${template} ${result})
    if(FTORCH_EXPANDED)
      file(RELATIVE_PATH folder ${FTorch_SOURCE_DIR} ${template})
      get_filename_component(folder ${folder} DIRECTORY)
      set(expand ${CMAKE_COMMAND} -E copy ${FTORCH_EXPANDED}/${FTORCH_LIFETIME_CHOICE}/${folder}/${name} ${result})
    endif()
    add_custom_command(
      OUTPUT ${result}
      COMMAND ${expand}
      ${finish}
      DEPENDS ${template} ${shared}
      COMMENT "Expanding ${name}"
      VERBATIM)
    list(APPEND results ${result})
  endforeach()
  set(${out} ${results} PARENT_SCOPE)
endfunction()
