# SPDX-License-Identifier: MIT
# Installs the library, all modules, the C header, the CMake package and the pkg-config file.
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/FTorch)
set(include_folder ${CMAKE_INSTALL_INCLUDEDIR}/ftorch)

install(TARGETS ftorch EXPORT FTorchTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_BINARY_DIR}/modules/ DESTINATION ${include_folder} FILES_MATCHING PATTERN "*.mod")
install(FILES src/shim/ftorch.h DESTINATION ${include_folder})
install(EXPORT FTorchTargets NAMESPACE FTorch:: DESTINATION ${package_folder})

configure_package_config_file(cmake/FTorchConfig.cmake.in ${PROJECT_BINARY_DIR}/FTorchConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/FTorchConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/FindLibTorch.cmake ${PROJECT_BINARY_DIR}/FTorchConfig.cmake
              ${PROJECT_BINARY_DIR}/FTorchConfigVersion.cmake
        DESTINATION ${package_folder})

# A C++ program or library needs no more than its compiler links; a Fortran program that links the static library
# needs LibTorch, OpenMP and the runtime of C++.
set(FTORCH_PC_PRIVATE)
if(FTORCH_OPENMP_FOLDER)
  string(APPEND FTORCH_PC_PRIVATE "-Wl,-rpath,${FTORCH_OPENMP_FOLDER} ")
endif()
string(APPEND FTORCH_PC_PRIVATE "-l${FTORCH_OPENMP_LIBRARY} -Wl,-rpath,${LibTorch_LIBRARY_DIR}")
foreach(item IN LISTS LibTorch_LIBRARIES)
  string(APPEND FTORCH_PC_PRIVATE " ${item}")
endforeach()
foreach(item IN LISTS FTORCH_CXX_RUNTIME)
  string(APPEND FTORCH_PC_PRIVATE " -l${item}")
endforeach()
file(RELATIVE_PATH FTORCH_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/ftorch.pc.in ftorch.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ftorch.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
