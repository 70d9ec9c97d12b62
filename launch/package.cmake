# cpack -G DEB in a build directory: syncnorm_VERSION_ARCHITECTURE.deb, whose libraries are those that the program was linked with.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME syncnorm)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "data-parallel training to compare norms of neural networks")
set(CPACK_PACKAGE_DESCRIPTION "Trains a small convolutional network on MNIST with MPI and compares batch norm with
synchronized statistics to group and layer norm. The same experiment gives the
same bits on any number of ranks.")
set(CPACK_PACKAGE_CONTACT "syncnorm developers <syncnorm@localhost.localdomain>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "mpi-default-bin")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "gnuplot-nox, curl, ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "environment-modules | lmod, slurm-client")
# What Debian wants to be compressed or called otherwise
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_CURRENT_LIST_DIR}/package_debian.cmake)
include(CPack)
