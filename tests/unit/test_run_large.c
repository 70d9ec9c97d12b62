/* What is written can be read: a run of 68 million steps, whose file is larger than 1 GiB. */

#include <sys/stat.h>
#include <unistd.h>

#include "../support/cmocka_all.h"
#include "sample_run.h"

enum { STEPS = 68000000 };

static void a_file_larger_than_a_gigabyte_is_read(void **state)
{
    (void)state;
    sn_run run = {0}, back;
    struct stat file;
    sample_run(&run, 1);
    while (run.steps.rows < STEPS)
        assert_ok(sn_table_add_row(&run.steps));
    const char *const name = run.steps.columns[0].name;
    sn_table_put(&run.steps, name, 12);
    assert_ok(sn_run_write(&run, "large.h5"));
    sn_run_clear(&run);
    assert_int_equal(stat("large.h5", &file), 0);
    assert_true(file.st_size > (off_t)1 << 30);
    assert_ok(sn_run_read("large.h5", &back));
    assert_int_equal(back.steps.rows, STEPS);
    assert_true(sn_table_get(&back.steps, back.steps.columns[0].name, STEPS - 1) == 12);
    sn_run_clear(&back);
    unlink("large.h5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_larger_than_a_gigabyte_is_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
