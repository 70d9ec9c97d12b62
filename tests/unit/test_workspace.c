/* Debug builds notice a pass that begins while another is at work in the same workspace. */

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/nn/block.h"
#include "../support/cmocka_all.h"

static void a_pass_inside_another_ends_the_program(void **state)
{
    (void)state;
#ifdef NDEBUG
    print_message("no assertions in this build\n");
    skip();
#endif
    const pid_t child = fork();
    if (child == 0) {
        sn_workspace workspace = {.busy = false};
        (void)!freopen("/dev/null", "w", stderr);
        sn_workspace_enter(&workspace);
        sn_workspace_leave(&workspace);
        sn_workspace_enter(&workspace);
        sn_workspace_enter(&workspace);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_pass_inside_another_ends_the_program)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
