# SPDX-License-Identifier: MIT
# What depends on the compilers at hand: warnings, the header of array descriptors, the OpenMP library.

# Warnings of our own sources; headers of LibTorch are system headers.
function(ftorch_warnings target)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANG_AND_ID:C,GNU,Clang,AppleClang,IntelLLVM>:-Wall;-Wextra;-Wpedantic>
    $<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang,IntelLLVM>:-Wall;-Wextra;-Wpedantic>
    $<$<COMPILE_LANG_AND_ID:Fortran,GNU>:-std=f2018;-Wall;-Wextra>
    $<$<COMPILE_LANG_AND_ID:Fortran,Intel,IntelLLVM>:-stand;f18;-warn;all>)
endfunction()

# Lets C sources of `target` include the ISO_Fortran_binding.h of the Fortran compiler, whose array descriptors differ
# from those of another compiler.
function(ftorch_use_array_descriptors target)
  if(NOT FTORCH_ISO_FORTRAN_BINDING_DIR)
    get_filename_component(compiler "${CMAKE_Fortran_COMPILER}" REALPATH)
    get_filename_component(root "${compiler}/../.." ABSOLUTE)
    set(hints ${root}/include/flang ${root}/include ${root}/opt/compiler/include)
    if(CMAKE_Fortran_COMPILER_ID STREQUAL "GNU")
      execute_process(COMMAND ${CMAKE_Fortran_COMPILER} -print-file-name=include
                      OUTPUT_VARIABLE hints OUTPUT_STRIP_TRAILING_WHITESPACE)
    elseif(CMAKE_Fortran_COMPILER_ID STREQUAL "LLVMFlang")
      execute_process(COMMAND ${CMAKE_Fortran_COMPILER} -print-resource-dir
                      OUTPUT_VARIABLE resources OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
      list(APPEND hints ${resources}/include)
    endif()
    find_path(FTORCH_ISO_FORTRAN_BINDING_DIR ISO_Fortran_binding.h HINTS ${hints} NO_DEFAULT_PATH
              DOC "Folder of the Fortran compiler's ISO_Fortran_binding.h")
    mark_as_advanced(FTORCH_ISO_FORTRAN_BINDING_DIR)
  endif()
  if(FTORCH_ISO_FORTRAN_BINDING_DIR AND NOT EXISTS "${FTORCH_ISO_FORTRAN_BINDING_DIR}/ISO_Fortran_binding.h")
    # The C compiler would take the one of another Fortran compiler.
    message(FATAL_ERROR
      "FTORCH_ISO_FORTRAN_BINDING_DIR is '${FTORCH_ISO_FORTRAN_BINDING_DIR}', which holds no ISO_Fortran_binding.h")
  elseif(NOT FTORCH_ISO_FORTRAN_BINDING_DIR)
    message(FATAL_ERROR
      "ISO_Fortran_binding.h of ${CMAKE_Fortran_COMPILER} was not found in: ${hints}\n"
      "Install the development files of the compiler (Debian: libflang-<version>-dev for flang) or give the "
      "folder with -DFTORCH_ISO_FORTRAN_BINDING_DIR=<folder>.")
  endif()
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:C>:SHELL:-isystem \"${FTORCH_ISO_FORTRAN_BINDING_DIR}\">")
endfunction()

# Links the C++ compiler's OpenMP library before LibTorch and looks for it at run time before LibTorch's folder, whose
# own older copy lacks symbols that Fortran programs need. A folder that has another LibTorch does not come first.
function(ftorch_use_openmp target)
  if(NOT OpenMP_CXX_FOUND)
    return()
  endif()
  list(GET OpenMP_CXX_LIB_NAMES 0 library)
  get_filename_component(file "${OpenMP_${library}_LIBRARY}" REALPATH)
  get_filename_component(folder "${file}" DIRECTORY)
  separate_arguments(flags NATIVE_COMMAND "${OpenMP_CXX_FLAGS}")
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${flags}>")
  target_link_libraries(${target} PRIVATE ${library})
  set(FTORCH_OPENMP_LIBRARY ${library} PARENT_SCOPE)
  if(UNIX AND NOT EXISTS ${folder}/libc10${CMAKE_SHARED_LIBRARY_SUFFIX})
    set(FTORCH_OPENMP_FOLDER ${folder} PARENT_SCOPE)
    get_target_property(type ${target} TYPE)
    if(type STREQUAL "STATIC_LIBRARY")
      target_link_options(${target} INTERFACE "LINKER:-rpath,${folder}")
    else()
      target_link_options(${target} PRIVATE "LINKER:-rpath,${folder}")
    endif()
  endif()
endfunction()

# Lets a Fortran program link the static library: it needs the runtime library of C++, which only a C++ compiler adds.
function(ftorch_use_cxx_runtime target)
  set(runtime ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
  list(FILTER runtime EXCLUDE REGEX "^(c|gcc|gcc_s|.*[.]o)$")
  list(REMOVE_DUPLICATES runtime)
  set(FTORCH_CXX_RUNTIME ${runtime} PARENT_SCOPE)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "STATIC_LIBRARY")
    target_link_libraries(${target} INTERFACE ${runtime})
  endif()
endfunction()

# Two copies of the library in one process, such as those of two plug-ins, each call their own functions.
function(ftorch_bind_own_functions target)
  include(CheckLinkerFlag)
  check_linker_flag(CXX LINKER:-Bsymbolic-functions FTORCH_HAS_BSYMBOLIC_FUNCTIONS)
  get_target_property(type ${target} TYPE)
  if(FTORCH_HAS_BSYMBOLIC_FUNCTIONS AND type STREQUAL "SHARED_LIBRARY")
    target_link_options(${target} PRIVATE LINKER:-Bsymbolic-functions)
  endif()
endfunction()
