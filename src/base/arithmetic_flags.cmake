# sn_check_arithmetic_flags(FLAGS): refuses compiler flags that change the bits of results. The compiler has no macro for some of them
# (clang for most), so include/syncnorm/base/arithmetic.h cannot. Also a script: cmake -DFLAGS=... -P arithmetic_flags.cmake
function(sn_check_arithmetic_flags flags)
  string(CONCAT forbidden "^(-ffast-math|-Ofast|-funsafe-math-optimizations|-fassociative-math|-freciprocal-math|-ffinite-math-only"
    "|-fno-signed-zeros|-fno-honor-nans|-fno-honor-infinities|-fapprox-func|-fsingle-precision-constant|-ffp-contract=(fast|on).*"
    "|-ffp-model=fast.*|-fdenormal-fp-math.*|-mfpmath=.*387.*|-menable-unsafe-fp-math|-cl-.*)$")
  separate_arguments(list UNIX_COMMAND "${flags}")
  foreach(flag IN LISTS list)
    if(flag MATCHES "${forbidden}")
      message(FATAL_ERROR "syncnorm must not be compiled with ${flag} (CFLAGS, CMAKE_C_FLAGS): it changes the bits of results.")
    endif()
  endforeach()
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  sn_check_arithmetic_flags("${FLAGS}")
endif()
