/* The small services: digests, attributes, errors, memory, the floating-point environment, the log. */

#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmocka_all.h"
#include "syncnorm/base/attributes.h"
#include "syncnorm/base/digest.h"
#include "syncnorm/base/error.h"
#include "syncnorm/base/floating_point.h"
#include "syncnorm/base/log.h"
#include "syncnorm/base/memory.h"

static void assert_digest(sn_digest digest, const char *expected)
{
    char hex[SN_DIGEST_HEX];
    sn_digest_hex(digest, hex);
    assert_string_equal(hex, expected);
}

/* Expected values printed by xxhsum -H2 (xxHash 0.8.1). */
static void test_digest_is_what_xxhsum_prints(void **state)
{
    (void)state;
    static uint8_t long_text[100000];
    for (uint64_t i = 0; i < sizeof long_text; i++)
        long_text[i] = (uint8_t)((i * i * 7 + i) % 251);
    assert_digest(sn_digest_of(NULL, 0), "99aa06d3014798d86001c324468d497f");
    assert_digest(sn_digest_of("syncnorm", 8), "964d8d2a5aa2998f5eeee89d12671e65");
    assert_digest(sn_digest_of(long_text, sizeof long_text), "fe17e43fe43ef37d449e0d36bc531189");

    static const size_t pieces[] = {1, 7, 240, 241, 4096, 99999};
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        sn_hasher *hasher = sn_hasher_create();
        assert_non_null(hasher);
        for (size_t from = 0; from < sizeof long_text; from += pieces[p]) {
            const size_t left = sizeof long_text - from;
            sn_hasher_add(hasher, long_text + from, left < pieces[p] ? left : pieces[p]);
        }
        assert_digest(sn_hasher_finish(hasher), "fe17e43fe43ef37d449e0d36bc531189");
    }
}

static void test_attributes_keep_order_and_replace(void **state)
{
    (void)state;
    sn_attributes list = {0};
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "name%d", i);
        assert_int_equal(sn_attributes_set_integer(&list, name, i), SN_OK);
    }
    assert_int_equal(list.count, 100);
    assert_string_equal(list.items[37].name, "name37");
    assert_int_equal(sn_attributes_set_text(&list, "name37", "was a number"), SN_OK);
    assert_int_equal(sn_attributes_set_text(&list, "name37", "and is text"), SN_OK);
    assert_int_equal(sn_attributes_set_real(&list, "name38", 0.5), SN_OK);
    assert_int_equal(list.count, 100);
    const sn_attribute *found = sn_attributes_find(&list, "name37");
    assert_ptr_equal(found, &list.items[37]);
    assert_int_equal(found->type, SN_VALUE_TEXT);
    assert_string_equal(found->text, "and is text");
    assert_int_equal(sn_attributes_set_integer(&list, "name37", -1), SN_OK);
    assert_null(sn_attributes_find(&list, "name37")->text);
    assert_int_equal(sn_attributes_find(&list, "name38")->type, SN_VALUE_REAL);
    assert_null(sn_attributes_find(&list, "name"));
    sn_attributes_clear(&list);
    assert_int_equal(list.count, 0);
    assert_null(sn_attributes_find(&list, "name1"));
    sn_attributes_clear(&list);
}

static void assert_prints(const sn_attributes *list, const char *name, const char *expected)
{
    char text[64];
    sn_attribute_print(sn_attributes_find(list, name), text, sizeof text);
    assert_string_equal(text, expected);
}

static void test_attributes_print_so_that_they_read_back(void **state)
{
    (void)state;
    sn_attributes list = {0};
    sn_attributes_set_integer(&list, "least", INT64_MIN);
    sn_attributes_set_real(&list, "lr", 0.01);
    sn_attributes_set_real(&list, "third", 1.0 / 3);
    sn_attributes_set_real(&list, "sum", 0.1 + 0.2);
    sn_attributes_set_real(&list, "l1", 3e-4);
    sn_attributes_set_text(&list, "norm", "gn");
    assert_prints(&list, "least", "-9223372036854775808");
    assert_prints(&list, "lr", "0.01");
    assert_prints(&list, "third", "0.33333333333333331");
    assert_prints(&list, "sum", "0.30000000000000004");
    assert_prints(&list, "l1", "0.0003");
    assert_prints(&list, "norm", "gn");
    sn_attributes_clear(&list);
}

static sn_status hand_on(sn_status status, bool *reached)
{
    SN_TRY(status);
    *reached = true;
    return SN_OK;
}

static void test_errors_keep_the_first_message(void **state)
{
    (void)state;
    sn_error_clear();
    assert_string_equal(sn_error_message(), "");
    assert_int_equal(sn_fail(SN_ERROR_DATA, "%s: fault %d", "file", 7), SN_ERROR_DATA);
    assert_int_equal(sn_fail(SN_ERROR_FILE, "a consequence"), SN_ERROR_FILE);
    assert_string_equal(sn_error_message(), "file: fault 7");
    sn_error_set_message("of another rank");
    assert_string_equal(sn_error_message(), "of another rank");
    sn_error_clear();

    char long_text[2 * SN_MESSAGE_SIZE];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    (void)sn_fail(SN_ERROR_FAILED, "%s", long_text);
    assert_int_equal(strlen(sn_error_message()), SN_MESSAGE_SIZE - 1);
    sn_error_clear();

    bool reached = false;
    assert_int_equal(hand_on(SN_ERROR_MEMORY, &reached), SN_ERROR_MEMORY);
    assert_false(reached);
    assert_int_equal(hand_on(SN_OK, &reached), SN_OK);
    assert_true(reached);
}

/* The contract: 0 done, 1 failed, 2 wrong usage, 75 stopped on request. */
static void test_exit_codes(void **state)
{
    (void)state;
    assert_int_equal(sn_exit_code(SN_OK), 0);
    assert_int_equal(sn_exit_code(SN_ERROR_USAGE), 2);
    assert_int_equal(sn_exit_code(SN_STOPPED), 75);
    static const sn_status failures[] = {SN_ERROR_FAILED, SN_ERROR_DATA,     SN_ERROR_FILE,
                                         SN_ERROR_MEMORY, SN_ERROR_DIVERGED, SN_ERROR_REPLICAS};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        assert_int_equal(sn_exit_code(failures[i]), 1);
        assert_true(strlen(sn_status_meaning(failures[i])) > 0);
    }
}

static void test_memory_is_aligned_and_zeroed(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 63, 64, 65, 4096, (2 << 20) - 1, 2 << 20, (2 << 20) + 1, 5 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        unsigned char *bytes;
        assert_int_equal(SN_ALLOCATE(bytes, sizes[i], "test"), SN_OK);
        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % 64, 0);
        if (sizes[i] >= 2 << 20) assert_int_equal((uintptr_t)bytes % (2 << 20), 0);
        for (size_t b = 0; b < sizes[i]; b++)
            if (bytes[b]) fail_msg("byte %zu of %zu is not 0", b, sizes[i]);
        memset(bytes, 0xff, sizes[i]); /* dirt for the next one */
        sn_free(bytes);
    }
    sn_free(NULL);
}

static void test_memory_that_cannot_be_is_an_error(void **state)
{
    (void)state;
    double *values;
    sn_error_clear();
    assert_int_equal(SN_ALLOCATE(values, SIZE_MAX / 4, "the gradients"), SN_ERROR_MEMORY);
    assert_null(values);
    assert_non_null(strstr(sn_error_message(), "the gradients"));
    sn_error_clear();
    assert_int_equal(SN_ALLOCATE(values, SIZE_MAX / 8, "the gradients"), SN_ERROR_MEMORY);
    assert_null(values);
    sn_error_clear();
}

static void test_arena_pieces_are_aligned_and_apart(void **state)
{
    (void)state;
    static const size_t counts[] = {1, 16, 17, 1000, 3};
    sn_arena measured = {0};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        assert_null(sn_arena_take(&measured, counts[i], sizeof(float)));
    unsigned char *memory;
    assert_int_equal(SN_ALLOCATE(memory, measured.used, "arena"), SN_OK);
    sn_arena arena = {.memory = memory};
    unsigned char *end = memory;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        unsigned char *piece = sn_arena_take(&arena, counts[i], sizeof(float));
        assert_true(piece >= end);
        assert_int_equal((uintptr_t)piece % 64, 0);
        end = piece + counts[i] * sizeof(float);
    }
    assert_int_equal(arena.used, measured.used);
    assert_true(end <= memory + measured.used);
    sn_free(memory);
}

static void test_floating_point_environment(void **state)
{
    (void)state;
    sn_floating_point_set();
    assert_true(sn_floating_point_ok());
    volatile float smallest_normal = 0x1p-126f;
    assert_true(smallest_normal * 0.5f > 0);
    assert_int_equal(fesetround(FE_UPWARD), 0);
    assert_false(sn_floating_point_ok());
    sn_floating_point_set();
    assert_true(sn_floating_point_ok());
    assert_int_equal(fegetround(), FE_TONEAREST);
#if defined(__x86_64__)
    static const unsigned modes[] = {0x8000, 0x0040}; /* flush to zero, denormals are zero */
    for (size_t i = 0; i < 2; i++) {
        __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | modes[i]);
        assert_false(sn_floating_point_ok());
        sn_floating_point_set();
        assert_true(sn_floating_point_ok());
        assert_true(smallest_normal * 0.5f > 0);
    }
#endif
}

/* Runs say() with standard error in a file and returns what it wrote. */
static const char *captured(void (*say)(void))
{
    static char text[8192];
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    const int saved = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    say();
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void say_everything(void)
{
    sn_log_error("e%d", 1);
    sn_log_warning("w");
    sn_log_note("n");
    sn_log_detail("d");
}

static void say_a_lot(void)
{
    char long_text[5000];
    memset(long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    sn_log_error("%s", long_text);
}

static void test_log_levels(void **state)
{
    (void)state;
    sn_log_configure(SN_LOG_QUIET, 1);
    assert_string_equal(captured(say_everything), "syncnorm: error: e1\nsyncnorm: warning: w\n");
    sn_log_configure(SN_LOG_NORMAL, 1);
    assert_string_equal(captured(say_everything), "syncnorm: error: e1\nsyncnorm: warning: w\nsyncnorm: n\n");
    sn_log_configure(SN_LOG_VERBOSE, 1);
    assert_string_equal(captured(say_everything),
                        "syncnorm: error: e1\nsyncnorm: warning: w\nsyncnorm: n\nsyncnorm: d\n");
    const char *text = captured(say_a_lot); /* cut, still one line */
    assert_int_equal(strcspn(text, "\n"), strlen(text) - 1);
    sn_log_configure(SN_LOG_VERBOSE, 0);
    assert_string_equal(captured(say_everything), "");
    sn_log_configure(SN_LOG_NORMAL, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_is_what_xxhsum_prints),
        cmocka_unit_test(test_attributes_keep_order_and_replace),
        cmocka_unit_test(test_attributes_print_so_that_they_read_back),
        cmocka_unit_test(test_errors_keep_the_first_message),
        cmocka_unit_test(test_exit_codes),
        cmocka_unit_test(test_memory_is_aligned_and_zeroed),
        cmocka_unit_test(test_memory_that_cannot_be_is_an_error),
        cmocka_unit_test(test_arena_pieces_are_aligned_and_apart),
        cmocka_unit_test(test_floating_point_environment),
        cmocka_unit_test(test_log_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
