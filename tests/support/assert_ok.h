#ifndef TESTS_SUPPORT_ASSERT_OK_H
#define TESTS_SUPPORT_ASSERT_OK_H

#include "cmocka_all.h"
#include "syncnorm/base/error.h"

/** Fails the test with the recorded message unless the status is SN_OK. */
#define assert_ok(call)                                                                                      \
    do {                                                                                                     \
        sn_error_clear();                                                                                    \
        if ((call) != SN_OK) fail_msg("%s: %s", #call, sn_error_message());                                  \
    } while (0)

#endif
