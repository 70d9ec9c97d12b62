#ifndef SYNCNORM_BASE_ARITHMETIC_H
#define SYNCNORM_BASE_ARITHMETIC_H

/**
 * Results are bits: arithmetic must be what the source says, in its order, in its precision. Every translation unit includes this
 * header, by the compiler's command line (CMakeLists.txt), and stops here where the compiler says that it is not. gcc says all of
 * it; clang only what -ffast-math and -ffinite-math-only are. What no compiler says is refused when the build is configured
 * (src/base/arithmetic_flags.cmake), and what neither sees is seen by tests/unit/test_arithmetic.c.
 */

#include <float.h>

#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__) ||                     \
    defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error "syncnorm must not be compiled with -ffast-math or a part of it: results would depend on the compiler."
#endif

#if FLT_EVAL_METHOD != 0
#error "syncnorm must not be compiled for arithmetic wider than its types, as of x87: use -mfpmath=sse."
#endif

#endif
