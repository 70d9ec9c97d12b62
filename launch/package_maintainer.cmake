# When the package is made.

set(name "$ENV{DEBFULLNAME}")
set(address "$ENV{DEBEMAIL}")
if(NOT name)
  set(name "syncnorm contributors")
endif()
if(NOT address)
  set(address "syncnorm@localhost")
endif()
set(CPACK_PACKAGE_CONTACT "${name} <${address}>")
