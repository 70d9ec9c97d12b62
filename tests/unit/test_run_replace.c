/*
 * Replacing a run file: whatever call fails and wherever the process dies, a complete generation is there.
 *
 * The linker puts the __wrap_ functions below between the library and the C library (-Wl,--wrap).
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sample_run.h"

typedef enum fault_kind { FAIL, DIE_BEFORE, DIE_AFTER } fault_kind;

static struct {
    int countdown; /* the n-th wrapped call from now on is struck; 0: none */
    fault_kind kind;
    int error;
    const char *only;   /* strike this function alone, NULL: any */
    const char *struck; /* the function that was */
    int link_error;     /* what every link gives, 0: works */
    size_t write_most;  /* a write writes no more, 0: all */
    int interruptions;  /* so many writes and fsyncs give EINTR first */
    char log[256];      /* initials of the calls while a countdown runs */
} fault;

static bool fault_strikes(const char *function)
{
    const size_t logged = strlen(fault.log);
    if (fault.countdown > 0 && logged + 1 < sizeof fault.log) fault.log[logged] = function[0];
    if (fault.countdown == 0 || (fault.only && strcmp(fault.only, function) != 0)) return false;
    if (--fault.countdown > 0) return false;
    fault.struck = function;
    if (fault.kind == DIE_BEFORE) _exit(9);
    errno = fault.error;
    return fault.kind == FAIL;
}

static void die_after(const char *function)
{
    if (fault.kind == DIE_AFTER && fault.struck == function) _exit(9);
}

static bool interrupted(void)
{
    if (fault.interruptions == 0) return false;
    fault.interruptions--;
    errno = EINTR;
    return true;
}

#define WRAP(type, function, parameters, arguments)                                                          \
    type __real_##function parameters;                                                                       \
    type __wrap_##function parameters;                                                                       \
    type __wrap_##function parameters                                                                        \
    {                                                                                                        \
        static const char name[] = #function;                                                                \
        if (fault_strikes(name)) return -1;                                                                  \
        const type result = __real_##function arguments;                                                     \
        die_after(name);                                                                                     \
        return result;                                                                                       \
    }

WRAP(int, close, (int file), (file))
WRAP(int, rename, (const char *from, const char *to), (from, to))
WRAP(int, unlink, (const char *path), (path))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode))

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    static const char name[] = "open";
    if (fault_strikes(name)) return -1;
    va_list arguments;
    va_start(arguments, flags);
    const int result = __real_open(path, flags, flags & O_CREAT ? va_arg(arguments, mode_t) : 0);
    va_end(arguments);
    die_after(name);
    return result;
}

int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to)
{
    static const char name[] = "link";
    if (fault_strikes(name)) return -1;
    const int result = fault.link_error ? -1 : __real_link(from, to);
    if (fault.link_error) errno = fault.link_error;
    die_after(name);
    return result;
}

int __wrap_fsync(int file);
int __wrap_fsync(int file)
{
    static const char name[] = "fsync";
    if (interrupted() || fault_strikes(name)) return -1;
    die_after(name); /* no power fails here, so nothing is synced */
    return file < 0 ? -1 : 0;
}

ssize_t __real_write(int file, const void *data, size_t size);
ssize_t __wrap_write(int file, const void *data, size_t size);
ssize_t __wrap_write(int file, const void *data, size_t size)
{
    static const char name[] = "write";
    if (interrupted() || fault_strikes(name)) return -1;
    if (fault.write_most > 0 && size > fault.write_most) size = fault.write_most;
    const ssize_t result = __real_write(file, data, size);
    die_after(name);
    return result;
}

static const char path[] = "replace/runs/x.h5", previous[] = "replace/runs/x.h5.prev";

static int no_fault_no_file(void **state)
{
    (void)state;
    memset(&fault, 0, sizeof fault);
    return system("rm -rf replace");
}

/* Writes a run of `epochs`, with the fault that is set striking in between. */
static sn_status write_epochs(size_t epochs, int countdown)
{
    sn_run run;
    sample_run(&run, epochs);
    sn_error_clear();
    fault.struck = NULL;
    fault.countdown = countdown;
    const sn_status status = sn_run_write(&run, path);
    fault.countdown = 0;
    sn_run_clear(&run);
    return status;
}

/* Two good generations, made once. */
static struct {
    unsigned char *data;
    size_t size;
} generations[2];

static int make_generations(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        write_sample("generation.h5", i + 1);
        generations[i].data = slurp("generation.h5", &generations[i].size);
    }
    return 0;
}

static int free_generations(void **state)
{
    (void)state;
    free(generations[0].data);
    free(generations[1].data);
    return 0;
}

static void start_with_two_generations(void)
{
    assert_int_equal(system("rm -rf replace && mkdir -p replace/runs"), 0);
    spill(previous, generations[0].data, generations[0].size);
    spill(path, generations[1].data, generations[1].size);
}

static void assert_nothing_left_behind(void)
{
    assert_int_equal(entries_with("replace/runs", ""), 4); /* . .. x.h5 x.h5.prev */
}

static void directories_are_made_and_the_generation_before_is_kept(void **state)
{
    (void)state;
    write_sample(path, 1);
    assert_int_equal(access(previous, F_OK), -1);
    write_sample(path, 2);
    write_sample(path, 3);
    assert_int_equal(epochs_of(path), 3);
    assert_int_equal(epochs_of(previous), 2);
    assert_nothing_left_behind();
}

static void every_call_may_fail_and_the_old_file_stays(void **state)
{
    (void)state;
    fault.error = EDQUOT;
    int calls = 0;
    for (;; calls++) {
        start_with_two_generations();
        const sn_status status = write_epochs(3, calls + 1);
        if (!fault.struck) break;
        if (strcmp(fault.struck, "mkdir") == 0) { /* fails, but the directory is there: nothing is wrong */
            assert_int_equal(status, SN_OK);
        } else {
            assert_int_equal(status, SN_ERROR_FILE);
            assert_non_null(strstr(sn_error_message(), "replace/runs"));
            if (!strstr(sn_error_message(), strerror(EDQUOT)))
                fail_msg("%s: %s", fault.struck, sn_error_message());
            const bool in_place = strstr(sn_error_message(), "directory:") !=
                                  NULL; /* only its fsync is missing */
            assert_int_equal(epochs_of(path), in_place ? 3 : 2);
        }
        assert_in_range(epochs_of(previous), 1, 2);
        assert_nothing_left_behind();
    }
    assert_in_range(calls, 11,
                    40); /* at least: unlink open write fsync close unlink link rename open fsync close */
}

static void data_reach_the_disk_before_the_name_and_the_name_before_the_end(void **state)
{
    (void)state;
    write_sample(path, 1);
    assert_int_equal(write_epochs(2, 1000), SN_OK);
    const char *written = strrchr(fault.log, 'w'), *synced = strchr(fault.log, 'f'),
               *renamed = strchr(fault.log, 'r');
    assert_true(written && synced && renamed);
    assert_true(written < synced && synced < renamed);
    assert_true(strrchr(fault.log, 'f') > strrchr(fault.log, 'r'));
}

/* Dies at every call in turn; gives how many there were. */
static int die_everywhere(fault_kind kind)
{
    for (int calls = 1;; calls++) {
        start_with_two_generations();
        fault.kind = kind;
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            const sn_status status = write_epochs(3, calls);
            _exit(fault.struck ? 8 : status == SN_OK ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        const size_t now = epochs_of(path), before = epochs_of(previous);
        if (WEXITSTATUS(status) == 0) return calls - 1;
        assert_int_equal(WEXITSTATUS(status), 9);
        assert_true(now >= 2 || before >= 2);
        if (fault.link_error == 0) { /* then neither name is missing at any time */
            assert_in_range(now, 2, 3);
            assert_in_range(before, 1, 2);
        }
        fault.kind = FAIL;
        assert_int_equal(write_epochs(4, 0), SN_OK); /* and life goes on */
        assert_int_equal(epochs_of(path), 4);
    }
}

static void the_process_may_die_at_any_call(void **state)
{
    (void)state;
    assert_in_range(die_everywhere(DIE_BEFORE), 11, 40);
    assert_in_range(die_everywhere(DIE_AFTER), 11, 40);
}

static void it_may_die_where_there_are_no_links_too(void **state)
{
    (void)state;
    fault.link_error = EPERM;
    assert_in_range(die_everywhere(DIE_BEFORE), 11, 40);
    assert_in_range(die_everywhere(DIE_AFTER), 11, 40);
}

static void somebody_may_have_died_with_two_names_for_one_file(void **state)
{
    (void)state;
    write_sample(path, 2);
    assert_int_equal(link(path, previous), 0);
    assert_int_equal(write_epochs(3, 0), SN_OK);
    assert_int_equal(epochs_of(path), 3);
    assert_int_equal(epochs_of(previous), 2);
    assert_nothing_left_behind();
}

static void without_links_the_old_file_returns_when_the_new_one_cannot_come(void **state)
{
    (void)state;
    fault.link_error = ENOTSUP;
    start_with_two_generations();
    fault.error = EIO;
    fault.only = "rename";
    assert_int_equal(write_epochs(3, 2), SN_ERROR_FILE);
    assert_int_equal(epochs_of(path), 2);
}

static void interrupted_and_short_writes_go_on(void **state)
{
    (void)state;
    fault.write_most = 1000;
    fault.interruptions = 7;
    assert_int_equal(write_epochs(2, 0), SN_OK);
    assert_int_equal(fault.interruptions, 0);
    assert_int_equal(epochs_of(path), 2);
}

static void a_full_disk_half_way_leaves_the_old_file(void **state)
{
    (void)state;
    start_with_two_generations();
    fault.write_most = 4096;
    fault.error = ENOSPC;
    fault.only = "write";
    assert_int_equal(write_epochs(3, 5), SN_ERROR_FILE);
    assert_string_equal(sn_error_message(),
                        "replace/runs/x.h5: cannot write the new file: No space left on device");
    assert_int_equal(epochs_of(path), 2);
    assert_int_equal(epochs_of(previous), 1);
    assert_nothing_left_behind();
}

static void a_limit_on_file_sizes_leaves_the_old_file(void **state)
{
    (void)state;
    start_with_two_generations();
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    low = old;
    low.rlim_cur = 20000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    const sn_status status = write_epochs(3, 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, SN_ERROR_FILE);
    assert_non_null(strstr(sn_error_message(), strerror(EFBIG)));
    assert_int_equal(epochs_of(path), 2);
    assert_nothing_left_behind();
}

static void a_directory_without_permission_is_an_error(void **state)
{
    (void)state;
    start_with_two_generations();
    assert_int_equal(chmod("replace/runs", 0555), 0);
    const pid_t child = fork();
    if (child == 0) { /* root may write anywhere, nobody may not */
        if (geteuid() == 0 && setuid(65534) != 0) _exit(3);
        _exit(write_epochs(3, 0) == SN_ERROR_FILE && strstr(sn_error_message(), strerror(EACCES)) ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod("replace/runs", 0755), 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(epochs_of(path), 2);
    assert_nothing_left_behind();
}

static void what_is_not_a_file_is_not_replaced(void **state)
{
    (void)state;
    const sn_run run = {0};
    start_with_two_generations();
    assert_int_equal(mkdir("replace/runs/d.h5", 0777), 0);
    assert_file_error(sn_run_write(&run, "replace/runs/d.h5"), "d.h5: not a regular file");
    assert_int_equal(rmdir("replace/runs/d.h5"), 0);
    assert_file_error(sn_run_write(&run, "replace/runs/x.h5/y.h5"), "Not a directory");
    assert_file_error(sn_run_write(&run, "replace/runs/"), "is not the name of a file");
    assert_int_equal(epochs_of(path), 2);
    assert_nothing_left_behind();
}

static void a_symbolic_link_stays_and_its_target_is_replaced(void **state)
{
    (void)state;
    start_with_two_generations();
    assert_int_equal(symlink("runs/x.h5", "replace/link.h5"), 0);
    write_sample("replace/link.h5", 3);
    struct stat status;
    assert_int_equal(lstat("replace/link.h5", &status), 0);
    assert_true(S_ISLNK(status.st_mode));
    assert_int_equal(epochs_of(path), 3);
    assert_int_equal(epochs_of(previous), 2);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup(name, no_fault_no_file)
    const struct CMUnitTest tests[] = {
        CASE(directories_are_made_and_the_generation_before_is_kept),
        CASE(every_call_may_fail_and_the_old_file_stays),
        CASE(data_reach_the_disk_before_the_name_and_the_name_before_the_end),
        CASE(the_process_may_die_at_any_call),
        CASE(it_may_die_where_there_are_no_links_too),
        CASE(somebody_may_have_died_with_two_names_for_one_file),
        CASE(without_links_the_old_file_returns_when_the_new_one_cannot_come),
        CASE(interrupted_and_short_writes_go_on),
        CASE(a_full_disk_half_way_leaves_the_old_file),
        CASE(a_limit_on_file_sizes_leaves_the_old_file),
        CASE(a_directory_without_permission_is_an_error),
        CASE(what_is_not_a_file_is_not_replaced),
        CASE(a_symbolic_link_stays_and_its_target_is_replaced),
    };
    return cmocka_run_group_tests(tests, make_generations, free_generations);
}
