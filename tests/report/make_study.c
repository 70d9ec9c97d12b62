/* make_study DIRECTORY [SUFFIX]: a whole made-up study as run files, to look at the report of one; SUFFIX makes the names longer. */

#include <stdio.h>

#include "study_runs.h"

int main(int argc, char **argv)
{
    static const struct {
        const char *norm;
        double l1;
        int workers;
        const char *scope;
        double accuracy;
    } experiments[] = {{"gn", 0, 1, NULL, 99.1},    {"ln", 0, 1, NULL, 99.0},  {"bn", 3e-4, 1, "sync", 98.4},
                       {"bn", 0, 1, "sync", 99.2},  {"bn", 0, 1, "32", 99.15}, {"bn", 0, 1, "16", 99.0},
                       {"bn", 0, 1, "8", 98.8},     {"bn", 0, 1, "4", 98.1},   {"bn", 0, 1, "2", 95.2},
                       {"bn", 0, 8, "worker", 98.7}};
    enum { EXPERIMENTS = sizeof experiments / sizeof *experiments, SEEDS = 5 };
    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: make_study DIRECTORY [SUFFIX]\n");
        return 2;
    }
    for (int e = 0; e < EXPERIMENTS; e++)
        for (int seed = 1; seed <= SEEDS; seed++) {
            const int ranks = seed == SEEDS ? 4 : 1;
            const made_run made = {.norm = experiments[e].norm,
                                   .l1 = experiments[e].l1,
                                   .seed = seed,
                                   .epochs = 15,
                                   .finished = 15,
                                   .workers = experiments[e].workers,
                                   .scope = experiments[e].scope,
                                   .test_accuracy = experiments[e].accuracy + 0.04 * (seed * 7 % 5 - 2) +
                                                    0.01 * (e % 3) * seed,
                                   .ranks = ranks,
                                   .measured = true,
                                   .host = "node1",
                                   .images = 10000,
                                   .suffix = argv[2]};
            char path[4096];
            snprintf(path, sizeof path, "%s/%d-%d.h5", argv[1], e, seed);
            if (write_made_run(&made, path) == SN_OK) continue;
            fprintf(stderr, "make_study: %s\n", sn_error_message());
            return 1;
        }
    return 0;
}
