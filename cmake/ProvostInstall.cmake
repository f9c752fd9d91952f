# What is installed, and where: the one list that `make install`, the package and provost-up share.
# Everything lies below the prefix of the installation, which is known only then (cmake --install
# --prefix): what names it is made at that time.
set(PROVOST_MANUAL "${CMAKE_BINARY_DIR}/manual")
add_custom_command(
  OUTPUT "${PROVOST_MANUAL}/made"
  COMMAND "${CMAKE_SOURCE_DIR}/packaging/make-manual" "${PROVOST_MANUAL}"
    "$<TARGET_FILE:provost>" "$<TARGET_FILE:provostd>" "$<TARGET_FILE:provost-agent>"
  DEPENDS provost provostd provost-agent "${CMAKE_SOURCE_DIR}/packaging/make-manual"
  COMMENT "Manual pages and completion" VERBATIM)
add_custom_target(manual ALL DEPENDS "${PROVOST_MANUAL}/made")

install(TARGETS provost RUNTIME DESTINATION bin)
install(TARGETS provostd provost-agent provost-people RUNTIME DESTINATION lib/provost)
install(DIRECTORY images DESTINATION lib/provost USE_SOURCE_PERMISSIONS)
install(DIRECTORY "${PROVOST_MANUAL}/man1" "${PROVOST_MANUAL}/man8" DESTINATION share/man)
install(FILES "${PROVOST_MANUAL}/provost.bash" DESTINATION share/bash-completion/completions RENAME provost)
install(FILES "${PROVOST_MANUAL}/provost.fish" DESTINATION share/fish/vendor_completions.d)
install(FILES README.md ARCHITECTURE.md SECURITY.md CHANGELOG.md DESTINATION share/doc/provost)
install(FILES packaging/copyright DESTINATION share/doc/provost)
install(DIRECTORY docs DESTINATION share/doc/provost)
install(DIRECTORY examples DESTINATION share/doc/provost USE_SOURCE_PERMISSIONS
  PATTERN __pycache__ EXCLUDE)
install(CODE "set(PROVOST_SOURCE \"${CMAKE_SOURCE_DIR}\")\nset(PROVOST_MANUAL \"${PROVOST_MANUAL}\")")
install(CODE [[
  # Debian's zsh looks in other folders for what packages bring than for what the site brings.
  set(functions site-functions)
  if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
    set(functions vendor-completions)
  endif()
  file(INSTALL "${PROVOST_MANUAL}/_provost" DESTINATION "${CMAKE_INSTALL_PREFIX}/share/zsh/${functions}")
  configure_file("${PROVOST_SOURCE}/packaging/provostd.service.in" "${PROVOST_MANUAL}/provostd.service" @ONLY)
  file(INSTALL "${PROVOST_MANUAL}/provostd.service" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
]])
