#ifndef SN_REPORT_SECTIONS_H
#define SN_REPORT_SECTIONS_H

/* What the report says, section by section. */

#include "document.h"
#include "runs.h"
#include "selection.h"
#include "syncnorm/price/price.h"
#include "verdict.h"

/** Takes spaces at ends of lines away, in place. */
void sn_trim_lines(char *text);
/** A paragraph for each line of the text, which is taken apart. */
void sn_add_paragraphs(sn_document *document, char *text);
/** The answer in at most eight sentences, a line for each paragraph, to be freed; NULL: no memory, or fewer than two experiments. */
char *sn_answer_text(const sn_report_runs *runs, const sn_pairs *pairs);
/** Likewise where settings were chosen: about the best of each. */
char *sn_selection_text(const sn_report_runs *runs, const sn_selection *selection, const sn_chosen *best);
/** Opened by one of these texts; nothing of fewer than two experiments. SN_ERROR_MEMORY. */
sn_status sn_section_answer(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs,
                            const sn_selection *selection, double margin);
void sn_section_comparison(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs);
void sn_section_curves(sn_document *document, const sn_report_runs *runs);
void sn_section_statistics(sn_document *document, const sn_report_runs *runs);
void sn_section_cost(sn_document *document, const sn_report_runs *runs);
enum { SN_MACHINES_MAX = 8 };
/** On those machines, so many at most; nothing without any. `target` in percent of test accuracy, 0: the best that all groups reach. */
void sn_section_price(sn_document *document, const sn_report_runs *runs, const sn_machine *machines,
                      size_t count, double target);
/** Where chance comes from, of runs with seeds of their own; nothing without any. */
void sn_section_chance(sn_document *document, const sn_report_runs *runs);
/** How many epochs, steps and samples lead to that accuracy, in percent; nothing for 0. */
void sn_section_target(sn_document *document, const sn_report_runs *runs, double target);
void sn_section_calibration(sn_document *document, const sn_report_runs *runs);
void sn_section_mistakes(sn_document *document, const sn_report_runs *runs);
void sn_section_recipe(sn_document *document, const sn_report_runs *runs);

/** The settings chosen by the images held out, with a verdict on them as on the setting that all share; nothing of an empty selection. SN_ERROR_MEMORY. */
sn_status sn_section_selection(sn_document *document, const sn_report_runs *runs,
                               const sn_selection *selection, double margin);

/** The commands that train the best of each on fresh seeds ("11-20", "7,9") and all training images, to be freed, in *commands (final_commands.c).
 *  SN_ERROR_USAGE where a seed is none or was tuned with. */
sn_status sn_final_commands(const sn_report_runs *runs, const sn_selection *selection, const char *seeds,
                            char **commands);

/** The verdicts on the pairs in sentences, to be freed; NULL: no memory. */
char *sn_verdicts_text(const sn_report_runs *runs, const sn_pairs *pairs);

/** The name of the group's experiment, of what belongs to its norm alone or of the rest, without what all share (section_axes.c). */
enum { SN_PART_NAME = 96 };
void sn_part_of_name(const sn_report_runs *runs, const sn_report_group *group, bool of_norm,
                     char name[SN_PART_NAME]);

/** What one worker's running statistics cost where that is greatest, a sentence; nothing where no run has them (section_statistics.c). */
void sn_put_running_statistics(FILE *out, const sn_report_runs *runs);

/** "+0.12", "−0.05": with a minus of the width of a plus (section_answer.c). */
void sn_put_signed(FILE *out, int digits, double value, const char *plus);

/** How many more seeds an undecided pair wants, in words (section_answer.c). */
void sn_put_more_seeds(FILE *out, const sn_pair *pair);

/** The verdicts of a large study by what differs, in sentences; false, and nothing, where no pair differs in one respect alone (answer_axes.c). */
bool sn_put_axes(FILE *out, const sn_report_runs *runs, const sn_pairs *pairs);
/** The same as a table, of all. */
void sn_add_axes(sn_document *document, const sn_report_runs *runs, const sn_pairs *pairs);

/** Whether any group has --lr-scaling linear (section_answer.c). */
bool sn_has_scaled_rates(const sn_report_runs *runs);

/** The figures of test error by the samples of a statistics group (section_scope.c). */
void sn_add_error_by_scope(sn_document *document, const sn_report_runs *runs);
/** Whether batch statistics are each worker's (section_scope.c). */
bool sn_is_per_worker(const sn_report_group *group);
/** True of what a line by workers joins: statistics over each worker's samples, and, as its first point, one worker, whose samples are the
 *  whole batch, so that synchronized statistics are its own (section_scope.c). */
bool sn_is_by_worker(const sn_report_group *group);
/** Whether `many` has statistics of each worker and `one` is the single worker that it begins at, trained alike, of the same batch or of as many
 *  samples a worker (section_workers.c). */
bool sn_begins_per_worker(const sn_report_group *one, const sn_report_group *many);
/** Whether the group has the batch that rates are given for: where one line scales them and another does not, it is of both (settings.c). */
bool sn_begins_growth(const sn_report_group *group);
/** Whether the group is of a batch that grows with the workers, and of no other line (settings.c). */
bool sn_grows(const sn_report_runs *runs, const sn_report_group *group);
void sn_add_error_by_workers(sn_document *document, const sn_report_runs *runs);

/** What the workers' shards hold: table and maps (section_shards.c). */
void sn_add_shards(sn_document *document, const sn_report_runs *runs);

/** Figures and table of speed by ranks, of one experiment and of one batch a worker (section_scaling.c). */
void sn_add_scaling(sn_document *document, const sn_report_runs *runs);

/** A value of one epoch of a run. */
typedef double (*sn_measure)(const sn_report_run *run, size_t row, const void *context);
/** The measure of a column named by the context. */
double sn_measure_column(const sn_report_run *run, size_t row, const void *column);

/** Which groups have a line in figures of all, where not all have, and where `all` are (section_curves.c). */
void sn_tell_drawn(sn_document *document, const sn_report_runs *runs, const char *all);

/** A series of the group, and the name of the group in a cell: brief on the page, whole in the data. */
void sn_add_group_series(sn_chart *chart, const sn_report_group *group, sn_series_kind kind, size_t style);
void sn_put_group(sn_report_table *table, const sn_report_group *group);

/** A series: the mean over the group's shown runs by epoch, with its 95 % interval, and a dot for each run's last epoch. */
void sn_add_epochs(sn_chart *chart, const char *label, const sn_report_group *group, size_t style,
                   sn_measure measure, const void *context);
/** Adds the chart when it has data; else a note that `missing` is why it is left out. */
bool sn_add_chart(sn_document *document, sn_chart *chart, const char *missing);

/** A column of the group's last epochs, averaged over its shown runs. */
double sn_group_mean(const sn_report_group *group, const char *column);

/** A column of numbers with half of their 95 % interval, which have a column each in CSV. */
void sn_estimate_column(sn_report_table *table, const char *heading);
/** Its cells: "99.12 ± 0.08"; the value alone of one seed, a dash of none. */
void sn_put_estimate(sn_report_table *table, int digits, sn_estimate e);
/** "0.012", "< 0.0001"; a dash where there is none. */
void sn_put_p(sn_report_table *table, double p);
/** "+0.012 to +0.034"; a dash where it has no width. */
void sn_put_interval(sn_report_table *table, double low, double high);

/** The command that makes the run again. */
void sn_put_command(FILE *out, const sn_report_run *run);
/** The command that makes it with other seeds ("4-12"), into `directory` (NULL: the default). */
void sn_put_study(FILE *out, const sn_report_run *run, const char *seeds, const char *directory);

/** The command that makes it with other seeds, on the whole training set. */
void sn_put_final(FILE *out, const sn_report_run *run, const char *seeds, const char *chosen_from);

/** Of the published study. */
typedef struct sn_published {
    int epoch;
    double train_accuracy, test_loss, test_accuracy;
} sn_published;
enum { SN_PUBLISHED_EPOCHS = 32 };
/** Its epochs of an experiment ("gn", "ln", "bn-l1"); returns how many. */
size_t sn_published_epochs(const char *experiment, sn_published rows[SN_PUBLISHED_EPOCHS]);

#endif
