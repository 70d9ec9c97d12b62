/* syncnorm inspect: what a person is told of a run file. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sample_run.h"
#include "syncnorm/cli/inspect.h"

static char *print(sn_status (*function)(const char *, FILE *), const char *path, sn_status expected)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    sn_error_clear();
    assert_int_equal(function(path, out), expected);
    fclose(out);
    return text;
}

static void assert_says(const char *text, const char *part)
{
    if (!strstr(text, part)) fail_msg("there is no \"%s\" in\n%s", part, text);
}

static void everything_in_the_file_is_accounted_for(void **state)
{
    (void)state;
    write_sample("inspect.h5", 3);
    char *text = print(sn_inspect_print, "inspect.h5", SN_OK);
    assert_int_equal(strncmp(text, "inspect.h5\n", 11), 0);
    assert_says(text, "\n  syncnorm_version          1.0.0\n");
    assert_says(text, "\nexperiment\n  text                      bn\n");
    assert_says(text, "\n  option_39                 17\n");
    assert_says(text,
                "\n  integer                   -9223372036854775807\n  real                      0.1\n");
    assert_says(text, "\nprovenance\n  text                      mpirun -np 2 syncnorm train");
    assert_says(text, "\nprovenance, resumption 11: what changed\n  hosts                     node11\n");
    assert_says(text, "\n  conv1.weight              10 x 1 x 3 x 3      float32\n");
    assert_says(text, "\n  norm1.num_batches_tracked scalar              int64\n");
    assert_says(text, "\nmodel: 9 tensors, 311 values\n");
    assert_says(text, "\noptimizer: 6 tensors, 290 values\n");
    assert_says(text, "\nepochs: 3 rows\n"
                      "  step  train_loss  accuracy\n"
                      "              nats         %\n"
                      "     1      2.3000     99.00\n"
                      "     2      1.1500     99.50\n"
                      "     3      0.7667     99.67\n");
    assert_says(text, "\nsteps: 2814 rows of step, loss, accuracy\n");
    assert_says(text, "\n  test_loss                 0.0271\n");
    assert_says(text, "\n  misclassified/image       3 x 28 x 28         uint8\n");
    free(text);
}

static void the_diagonal_of_the_confusion_is_what_was_correct(void **state)
{
    (void)state;
    sn_run run;
    sample_run(&run, 1);
    int64_t counts[10][10] = {{0}};
    for (int i = 0; i < 10; i++)
        counts[i][i] = 990;
    counts[3][5] = 100;
    assert_ok(sn_tensors_set(&run.evaluation, "confusion", SN_TYPE_I64, 2, (size_t[]){10, 10}, counts));
    assert_ok(sn_run_write(&run, "confusion.h5"));
    sn_run_clear(&run);
    char *text = print(sn_inspect_print, "confusion.h5", SN_OK);
    assert_says(text, "\n  correct                   9900 of 10000 (99.00%)\n");
    free(text);
}

static void text_of_the_file_does_not_reach_the_terminal_raw(void **state)
{
    (void)state;
    sn_run run = {0};
    assert_ok(sn_attributes_set_text(&run.experiment, "note", "red \033[31m\nand\ttwo lines \xc3\xa4"));
    assert_ok(sn_run_write(&run, "raw.h5"));
    sn_run_clear(&run);
    char *text = print(sn_inspect_print, "raw.h5", SN_OK);
    assert_says(text, "\n  note                      red  [31m and two lines \xc3\xa4\n");
    assert_null(strchr(text, '\033'));
    free(text);
}

static void verification_is_one_line(void **state)
{
    (void)state;
    sn_run run;
    sample_run(&run, 1);
    assert_ok(sn_run_write(&run, "verify.h5"));
    char expected[128], *text = print(sn_inspect_verify, "verify.h5", SN_OK);
    snprintf(expected, sizeof expected, "ok verify.h5 digest %s\n",
             sn_attributes_find(&run.model_attributes, "digest")->text);
    assert_string_equal(text, expected);
    free(text);

    ((float *)run.model.items[0].data)[0] += 1; /* well sealed, but not the weights that the digest is of */
    assert_ok(sn_run_write(&run, "verify.h5"));
    sn_run_clear(&run);
    free(print(sn_inspect_verify, "verify.h5", SN_ERROR_FILE));
    assert_says(sn_error_message(), "verify.h5: the weights have digest");

    size_t size;
    unsigned char *data = slurp("verify.h5", &size);
    data[2000] ^= 4;
    spill("verify.h5", data, size);
    free(data);
    text = print(sn_inspect_verify, "verify.h5", SN_ERROR_FILE);
    assert_string_equal(text, "");
    assert_says(sn_error_message(), "verify.h5: damaged");
    free(text);
    free(print(sn_inspect_print, "verify.h5", SN_ERROR_FILE));
}

static void output_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    write_sample("full.h5", 1);
    FILE *full = fopen("/dev/full", "w");
    assert_non_null(full);
    assert_file_error(sn_inspect_print("full.h5", full), "cannot write the output");
    fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_in_the_file_is_accounted_for),
        cmocka_unit_test(the_diagonal_of_the_confusion_is_what_was_correct),
        cmocka_unit_test(text_of_the_file_does_not_reach_the_terminal_raw),
        cmocka_unit_test(verification_is_one_line),
        cmocka_unit_test(output_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
