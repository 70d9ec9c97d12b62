#ifndef SYNCNORM_TESTS_CMOCKA_ALL_H
#define SYNCNORM_TESTS_CMOCKA_ALL_H

/** cmocka, with what it wants included before it. */

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif
