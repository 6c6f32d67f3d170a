# SPDX-License-Identifier: MIT
# Installs the component mpi. Its modules have a folder of their own: they belong to one MPI. Its targets are an export of their
# own, which a project without MPI never reads.
install(TARGETS ftorch_mpi EXPORT FTorchMPITargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_BINARY_DIR}/modules/mpi DESTINATION ${include_folder} FILES_MATCHING PATTERN "*.mod")
install(FILES ${PROJECT_BINARY_DIR}/include/ftorch_mpi.h DESTINATION ${include_folder})
install(EXPORT FTorchMPITargets NAMESPACE FTorch:: DESTINATION ${package_folder})
install(FILES cmake/FTorchMPIPackage.cmake cmake/FTorchMPIVendor.cmake DESTINATION ${package_folder})
configure_file(cmake/ftorch-mpi.pc.in ftorch-mpi.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/ftorch-mpi.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
