/* What a node has: the least of what the kernel says and what the control groups leave, under a /proc and /sys of our own making. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../support/cmocka_all.h"
#include "syncnorm/base/available_memory.h"

static const char root[] = "root";

static void spill(const char *path, const char *text)
{
    char full[256];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = full; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        mkdir(full, 0777);
    }
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int fresh(void **state)
{
    (void)state;
    const int code = system("rm -rf root");
    spill("proc/meminfo", "MemTotal: 9000 kB\nMemFree: 10 kB\nMemAvailable:    1000 kB\n");
    return code;
}

static void nothing_known_is_no_limit(void **state)
{
    (void)state;
    assert_true(sn_available_memory("nowhere") == UINT64_MAX);
}

static void the_kernel_says(void **state)
{
    (void)state;
    assert_int_equal(sn_available_memory(root), 1000 << 10);
    spill("proc/self/cgroup", "0::/job\n");
    assert_int_equal(sn_available_memory(root), 1000 << 10);
}

static void a_group_leaves_less(void **state)
{
    (void)state;
    spill("proc/self/cgroup", "0::/slurm/job_7/step_0\n");
    spill("sys/fs/cgroup/slurm/job_7/step_0/memory.max", "max\n");
    spill("sys/fs/cgroup/slurm/job_7/step_0/memory.current", "5000\n");
    spill("sys/fs/cgroup/slurm/job_7/memory.max", "70000\n"); /* of a group above ours */
    spill("sys/fs/cgroup/slurm/job_7/memory.current", "20000\n");
    assert_int_equal(sn_available_memory(root), 50000);
    spill("sys/fs/cgroup/slurm/job_7/memory.stat", "anon 1\ninactive_file 4000\n"); /* can be given back */
    assert_int_equal(sn_available_memory(root), 54000);
    spill("sys/fs/cgroup/slurm/job_7/memory.max", "10000\n");
    assert_int_equal(sn_available_memory(root), 0);
}

static void groups_of_version_1_likewise(void **state)
{
    (void)state;
    spill("proc/self/cgroup", "9:cpu:/x\n4:memory:/batch\n0::/\n");
    spill("sys/fs/cgroup/memory/batch/memory.limit_in_bytes", "9223372036854771712\n");
    spill("sys/fs/cgroup/memory/batch/memory.usage_in_bytes", "100\n");
    assert_int_equal(sn_available_memory(root), 1000 << 10);
    spill("sys/fs/cgroup/memory/batch/memory.limit_in_bytes", "300\n");
    assert_int_equal(sn_available_memory(root), 200);
}

static void a_container_shows_its_own_group_as_the_top(void **state)
{
    (void)state;
    spill("proc/self/cgroup", "0::/docker/0123\n");
    spill("sys/fs/cgroup/memory.max", "4096\n");
    spill("sys/fs/cgroup/memory.current", "96\n");
    assert_int_equal(sn_available_memory(root), 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_known_is_no_limit, fresh),
        cmocka_unit_test_setup(the_kernel_says, fresh),
        cmocka_unit_test_setup(a_group_leaves_less, fresh),
        cmocka_unit_test_setup(groups_of_version_1_likewise, fresh),
        cmocka_unit_test_setup(a_container_shows_its_own_group_as_the_top, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
