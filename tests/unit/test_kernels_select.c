/** Choosing kernels: by name, by SYNCNORM_ISA, or the best there is. */

#include "block.h"

#include <stdlib.h>
#include <string.h>

static void test_every_available_set_can_be_named(void **state)
{
    (void)state;
    const char *last = NULL;
    for (const char *const *isa = sn_kernels_available(); *isa; isa++) {
        assert_string_equal(sn_kernels_select(*isa)->isa, *isa);
        assert_string_equal(sn_kernels_select(*isa)->direct->name, "direct");
        last = *isa;
    }
    assert_non_null(last);
    assert_string_equal(last, "portable");
}

static void test_unknown_names_give_nothing(void **state)
{
    (void)state;
    assert_null(sn_kernels_select("x86-64-v5"));
    assert_null(sn_kernels_select("port"));
    assert_null(sn_kernels_select(""));
    setenv("SYNCNORM_ISA", "no such thing", 1);
    assert_null(sn_kernels_select(NULL));
}

static void test_the_environment_chooses_and_the_best_is_the_default(void **state)
{
    (void)state;
    unsetenv("SYNCNORM_ISA");
    assert_string_equal(sn_kernels_select(NULL)->isa, sn_kernels_available()[0]);
    setenv("SYNCNORM_ISA", "portable", 1);
    assert_string_equal(sn_kernels_select(NULL)->isa, "portable");
    assert_string_equal(sn_kernels_select(sn_kernels_available()[0])->isa, sn_kernels_available()[0]);
    setenv("SYNCNORM_ISA", "", 1);
    assert_string_equal(sn_kernels_select(NULL)->isa, sn_kernels_available()[0]);
}

static void test_gemm_names_its_library(void **state)
{
    (void)state;
    assert_string_equal(sn_convolution_gemm()->name, "gemm");
    assert_true(sn_blas_version()[0] >= '0' && sn_blas_version()[0] <= '9');
    assert_non_null(strchr(sn_blas_version(), ' '));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_available_set_can_be_named),
        cmocka_unit_test(test_unknown_names_give_nothing),
        cmocka_unit_test(test_the_environment_chooses_and_the_best_is_the_default),
        cmocka_unit_test(test_gemm_names_its_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
