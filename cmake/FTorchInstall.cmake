# SPDX-License-Identifier: MIT
# Installs the library, all modules, the C header, the licence, the CMake package, the pkg-config file and
# ftorch-config.
include(CMakePackageConfigHelpers)

# As one word, however it was spelled.
set(FTORCH_HAS_MPI OFF)
if(FTORCH_MPI)
  set(FTORCH_HAS_MPI ON)
endif()
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/FTorch)
set(include_folder ${CMAKE_INSTALL_INCLUDEDIR}/ftorch)
get_target_property(FTORCH_KIND ftorch TYPE)
string(REGEX REPLACE "_LIBRARY$" "" FTORCH_KIND ${FTORCH_KIND})
string(TOLOWER ${FTORCH_KIND} FTORCH_KIND)

install(TARGETS ftorch ftorch_temporaries EXPORT FTorchTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_BINARY_DIR}/modules/ DESTINATION ${include_folder}
        FILES_MATCHING PATTERN "*.mod" PATTERN mpi EXCLUDE)
install(FILES ${PROJECT_BINARY_DIR}/include/ftorch.h DESTINATION ${include_folder})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/ftorch)
install(EXPORT FTorchTargets NAMESPACE FTorch:: DESTINATION ${package_folder})

string(REGEX MATCH "-fcoarray=(single|lib)" FTORCH_COARRAY "${CMAKE_Fortran_FLAGS}")
configure_package_config_file(cmake/FTorchConfig.cmake.in ${PROJECT_BINARY_DIR}/FTorchConfig.cmake
  INSTALL_DESTINATION ${package_folder} NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/FTorchConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES cmake/FindLibTorch.cmake ${PROJECT_BINARY_DIR}/FTorchConfig.cmake
              ${PROJECT_BINARY_DIR}/FTorchConfigVersion.cmake
        DESTINATION ${package_folder})

# A Fortran program that links the static library also needs LibTorch, OpenMP and the runtime of C++.
set(FTORCH_PC_PRIVATE ${LibTorch_LIBRARIES})
list(PREPEND FTORCH_PC_PRIVATE -Wl,-rpath,${LibTorch_LIBRARY_DIR})
if(FTORCH_OPENMP_LIBRARY)
  list(PREPEND FTORCH_PC_PRIVATE -l${FTORCH_OPENMP_LIBRARY})
endif()
if(FTORCH_OPENMP_FOLDER)
  list(PREPEND FTORCH_PC_PRIVATE -Wl,-rpath,${FTORCH_OPENMP_FOLDER})
endif()
list(TRANSFORM FTORCH_CXX_RUNTIME PREPEND -l)
list(APPEND FTORCH_PC_PRIVATE ${FTORCH_CXX_RUNTIME})
list(JOIN FTORCH_PC_PRIVATE " " FTORCH_PC_PRIVATE)
file(RELATIVE_PATH FTORCH_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" FTORCH_PC_PREFIX "${FTORCH_PC_PREFIX}")
configure_file(cmake/ftorch.pc.in ftorch.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ftorch.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

file(RELATIVE_PATH FTORCH_BIN_TO_PREFIX /${CMAKE_INSTALL_BINDIR} /)
if(CMAKE_Fortran_COMPILER_ID STREQUAL "GNU")
  set(FTORCH_TEMPORARIES_FLAG -Warray-temporaries)
endif()
configure_file(cmake/ftorch-config.in ftorch-config @ONLY)
install(PROGRAMS ${PROJECT_BINARY_DIR}/ftorch-config DESTINATION ${CMAKE_INSTALL_BINDIR})

# The module file lies below modulefiles/<name>/<version>, and finds the prefix from there.
set(module_folder ${CMAKE_INSTALL_DATADIR}/modulefiles/ftorch)
file(RELATIVE_PATH FTORCH_MODULEFILE_PREFIX /${module_folder} /)
configure_file(cmake/ftorch.modulefile.in modulefile @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/modulefile DESTINATION ${module_folder} RENAME ${PROJECT_VERSION})
install(FILES fpm.toml DESTINATION ${CMAKE_INSTALL_DATADIR}/ftorch)
if(FTORCH_MPI)
  include(FTorchMPIInstall)
endif()
