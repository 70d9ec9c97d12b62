# cpack -G DEB in a build directory: syncnorm_VERSION_ARCHITECTURE.deb, which depends on the packages of the libraries that the program was linked
# with. DEBFULLNAME and DEBEMAIL name its maintainer, as for Debian's own tools.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME syncnorm)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "data-parallel training to compare norms of neural networks")
set(CPACK_PACKAGE_DESCRIPTION "Trains a small convolutional network on MNIST, data-parallel over MPI, to
compare batch norm with synchronized statistics to group norm and layer norm.
The same experiment gives the same bits on any number of ranks.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "openmpi-bin")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gnuplot-nox, curl, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "environment-modules | lmod, slurm-client")
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/package_maintainer.cmake)
# What Debian wants to be compressed or called otherwise
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/package_debian.cmake)
include(CPack)
