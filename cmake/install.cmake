# Headers, libraries, the CMake package quire::quire and pkg-config files.
include(CMakePackageConfigHelpers)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/quire)
set(libraries quire)
set(headers include/quire.h)
if(QUIRE_CONVERT)
  list(APPEND libraries quire_convert)
  list(APPEND headers include/quire_convert.h)
endif()

# Shared libraries are found from where the files lie, wherever that is.
if(BUILD_SHARED_LIBS)
  set(origin "$ORIGIN")
  if(APPLE)
    set(origin "@loader_path")
  endif()
  set_target_properties(${libraries} PROPERTIES INSTALL_RPATH "${origin}")
  if(QUIRE_CLI)
    file(RELATIVE_PATH to_libraries /${CMAKE_INSTALL_BINDIR}
      /${CMAKE_INSTALL_LIBDIR})
    set_target_properties(quire-cli PROPERTIES
      INSTALL_RPATH "${origin}/${to_libraries}")
  endif()
endif()

install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(TARGETS ${libraries} EXPORT quire
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(QUIRE_CLI)
  install(TARGETS quire-cli DESTINATION ${CMAKE_INSTALL_BINDIR})
  # To read and to change: the command has them as text, too.
  install(DIRECTORY recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/quire)
endif()
install(EXPORT quire NAMESPACE quire:: FILE quire-targets.cmake
  DESTINATION ${package_folder})

configure_package_config_file(cmake/quire-config.cmake.in
  ${PROJECT_BINARY_DIR}/quire-config.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/quire-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/quire-config.cmake
  ${PROJECT_BINARY_DIR}/quire-config-version.cmake
  DESTINATION ${package_folder})

file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
foreach(library ${libraries})
  configure_file(cmake/${library}.pc.in
    ${PROJECT_BINARY_DIR}/${library}.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/${library}.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
