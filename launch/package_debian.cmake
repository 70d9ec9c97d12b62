# In the tree that becomes the package.

if(NOT CPACK_GENERATOR STREQUAL DEB)
  return()
endif()
find_program(SHLIBDEPS dpkg-shlibdeps)
find_program(FILE file)
if(NOT SHLIBDEPS OR NOT FILE)
  message(FATAL_ERROR "a Debian package needs dpkg-shlibdeps and file, to know its libraries: packages dpkg-dev, file")
endif()
set(share ${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/share)
file(RENAME ${share}/doc/syncnorm/LICENSE ${share}/doc/syncnorm/copyright)
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
file(WRITE ${share}/doc/syncnorm/changelog
  "syncnorm (${CPACK_PACKAGE_VERSION}) unstable; urgency=medium\n\n  * As built from its sources.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${now}\n")
file(GLOB plain ${share}/man/man1/*.1 ${share}/doc/syncnorm/changelog)
execute_process(COMMAND gzip -9nf ${plain} COMMAND_ERROR_IS_FATAL ANY)
