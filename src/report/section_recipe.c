/* The recipe, the network, where the runs came from, and how to make each again. */

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sections.h"
#include "syncnorm/nn/summary.h"
#include "syncnorm/train/compare.h"
#include "text.h"

/* Quoted for a shell where needed; on one line, whatever is in it. */
static void put_word(FILE *out, const char *word)
{
    if (*word &&
        !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,:=+%@")]) {
        fputs(word, out);
        return;
    }
    putc('\'', out);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", out);
        else
            putc(*word == '\n' || *word == '\r' ? ' ' : *word, out);
    putc('\'', out);
}

/* An option is given where its attribute is not what the norm alone would make it. */
static void put_option(FILE *out, const sn_experiment_option *option, const sn_attributes *mine,
                       const sn_attributes *defaults, const char *seeds)
{
    char value[SN_PATH_SIZE], initial[SN_PATH_SIZE] = "";
    const char *name = option->attribute;
    if (!name || strcmp(name, "norm") == 0) return;
    const sn_attribute *attribute = sn_attributes_find(mine, name);
    const sn_attribute *other = sn_attributes_find(defaults, name);
    if (!attribute) return;
    sn_attribute_print(attribute, value, sizeof value);
    if (other) sn_attribute_print(other, initial, sizeof initial);
    if (strcmp(name, "seed") == 0 && seeds)
        snprintf(value, sizeof value, "%s", seeds);
    else if (strcmp(name, "seed") == 0)
        snprintf(value, sizeof value, "%" PRIu64, (uint64_t)attribute->integer);
    else if (strcmp(value, initial) == 0)
        return;
    fprintf(out, " --%s", option->name);
    if (!option->argument) return;
    putc(' ', out);
    put_word(out, value);
}

/* The data set is no part of a command but for MNIST, which is found by itself: DIR is for the reader to fill in. */
static void put_data(FILE *out, const sn_attributes *mine)
{
    const char *dataset = sn_report_text(mine, "dataset");
    if (strcmp(dataset, "MNIST") == 0) return;
    fputs(" --data DIR  # ", out);
    sn_put_text(out, SN_SYNTAX_PLAIN, *dataset ? dataset : "data set without a name");
    fputs(", digest ", out);
    sn_put_text(out, SN_SYNTAX_PLAIN, sn_report_text(mine, "dataset_digest"));
}

/* Without what `leaves_out` names (NULL: nothing); `chosen_from` and `directory` may be NULL. */
static void put_command(FILE *out, const char *command, const sn_report_run *run, const char *seeds,
                        bool (*leaves_out)(const char *option), const char *chosen_from,
                        const char *directory)
{
    const sn_attributes *mine = &run->run.experiment;
    const char *norm = sn_report_text(mine, "norm");
    const char *preset = sn_experiment_nearest_preset(mine);
    const char *option = preset ? "experiment" : "norm", *value = preset ? preset : norm;
    static sn_experiment experiment;
    sn_attributes defaults = {0};
    sn_experiment_default(&experiment);
    sn_experiment_set(&experiment, option, value);
    sn_experiment_attributes(&experiment, &defaults);
    fprintf(out, "syncnorm %s --%s ", command, option);
    put_word(out, value);
    size_t count;
    const sn_experiment_option *options = sn_experiment_options(&count);
    for (size_t i = 0; i < count; i++)
        if (!leaves_out || !leaves_out(options[i].name)) put_option(out, &options[i], mine, &defaults, seeds);
    if (chosen_from) {
        fputs(" --chosen-from ", out);
        put_word(out, chosen_from);
    }
    if (directory) {
        fputs(" --output ", out);
        put_word(out, directory);
    }
    sn_attributes_clear(&defaults);
    put_data(out, mine);
}

void sn_put_command(FILE *out, const sn_report_run *run)
{
    put_command(out, "train", run, NULL, NULL, NULL, NULL);
}

void sn_put_study(FILE *out, const sn_report_run *run, const char *seeds, const char *directory)
{
    put_command(out, "study", run, seeds, NULL, NULL, directory);
}

/* --split-seed and --test go with --validation */
static bool is_of_tuning(const char *option)
{
    return strcmp(option, "validation") == 0 || strcmp(option, "split-seed") == 0 ||
           strcmp(option, "test") == 0;
}

void sn_put_final(FILE *out, const sn_report_run *run, const char *seeds, const char *chosen_from)
{
    put_command(out, "study", run, seeds, is_of_tuning, chosen_from, NULL);
}

static bool is_recipe(const char *name)
{
    return sn_attribute_identifies(name) || strcmp(name, "dataset") == 0;
}

/* Attributes of all groups in the order in which they come up: *names is allocated, the strings are the runs'. */
static size_t collect_names(const sn_report_runs *runs, const char ***names)
{
    size_t count = 0, capacity = 0;
    for (size_t g = 0; g < runs->group_count; g++)
        capacity += runs->groups[g].runs->run.experiment.count;
    *names = calloc(capacity + 1, sizeof **names);
    for (size_t g = 0; *names && g < runs->group_count; g++) {
        const sn_attributes *list = sn_report_experiment(&runs->groups[g]);
        for (size_t i = 0; i < list->count; i++) {
            bool known = !is_recipe(list->items[i].name);
            for (size_t k = 0; k < count && !known; k++)
                known = strcmp((*names)[k], list->items[i].name) == 0;
            if (!known) (*names)[count++] = list->items[i].name;
        }
    }
    return count;
}

static void add_recipe(sn_document *document, const sn_report_runs *runs)
{
    const char **names;
    const size_t count = collect_names(runs, &names);
    if (!names) {
        document->failed = true;
        return;
    }
    char *common = NULL;
    size_t size;
    FILE *out = open_memstream(&common, &size);
    sn_report_table *table = sn_report_table_create("recipe", "What differs between the experiments");
    sn_report_table_column(table, false, "experiment");
    const sn_attributes *first = sn_report_experiment(&runs->groups[0]);
    bool *differs = calloc(count + 1, sizeof *differs);
    for (size_t i = 0; out && differs && i < count; i++) {
        const sn_attribute *attribute = sn_attributes_find(first, names[i]);
        differs[i] = !attribute || !sn_report_share(runs, names[i]);
        if (differs[i]) {
            sn_report_table_column(table, false, "%s", names[i]);
            continue;
        }
        char value[256];
        sn_attribute_print(attribute, value, sizeof value);
        fprintf(out, "%s%s %s", ftell(out) ? ", " : "", names[i], *value ? value : "none");
    }
    for (size_t g = 0; differs && g < runs->group_count; g++) {
        sn_put_group(table, &runs->groups[g]);
        for (size_t i = 0; i < count; i++) {
            if (!differs[i]) continue;
            char value[64] = "–";
            const sn_attribute *attribute = sn_attributes_find(sn_report_experiment(&runs->groups[g]),
                                                               names[i]);
            if (attribute) sn_attribute_print(attribute, value, sizeof value);
            sn_report_table_cell(table, "%s", value);
        }
    }
    if (!out || fclose(out) != 0 || !differs) document->failed = true;
    if (common && *common) sn_document_text(document, "The same in all experiments: %s.", common);
    if (table && table->column_count > 1)
        sn_document_table(document, NULL, table);
    else
        sn_report_table_destroy(table);
    free(common);
    free(differs);
    free(names);
}

static void add_networks(sn_document *document, const sn_report_runs *runs)
{
    for (size_t g = 0; g < runs->group_count; g++) {
        static sn_experiment experiment;
        const sn_attributes *mine = sn_report_experiment(&runs->groups[g]);
        const char *norm = sn_report_text(mine, "norm");
        const double groups = sn_attributes_number(mine, "groups");
        bool seen = false;
        for (size_t k = 0; k < g && !seen; k++)
            seen = strcmp(norm, sn_report_text(sn_report_experiment(&runs->groups[k]), "norm")) == 0;
        sn_experiment_default(&experiment);
        sn_network network;
        if (seen || sn_experiment_set(&experiment, "norm", norm) != SN_OK ||
            sn_network_build((sn_network_options){experiment.norm, groups >= 1 ? (int)groups : 2, false},
                             &network) != SN_OK) {
            sn_error_clear();
            continue;
        }
        char *text = NULL, heading[64];
        size_t size;
        FILE *out = open_memstream(&text, &size);
        if (out) sn_summary_print(&network, "", out);
        if (!out || fclose(out) != 0) document->failed = true;
        snprintf(heading, sizeof heading, "Layers with norm %.16s", norm);
        if (text) sn_document_code(document, heading, text);
        free(text);
    }
}

static void add_runs(sn_document *document, const sn_report_runs *runs)
{
    sn_report_table *table = sn_report_table_create("runs", "Every run");
    char accuracy[64];
    snprintf(accuracy, sizeof accuracy, "%s accuracy (%%)", sn_report_judge(runs));
    const struct {
        const char *heading;
        bool numeric;
    } columns[] = {{"run", false},
                   {"state", false},
                   {accuracy, true},
                   {"digest of the weights", false},
                   {"digest of the experiment", false},
                   {"starts", true},
                   {"file", false}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        sn_report_table_column(table, columns[i].numeric, "%s", columns[i].heading);
    for (size_t i = 0; i < runs->count; i++) {
        const sn_report_run *run = &runs->runs[i];
        sn_report_table_cell(table, "%s", run->name);
        if (run->complete)
            sn_report_table_cell(table, "complete");
        else
            sn_report_table_cell(table, "%zu of %.0f epochs", run->run.epochs.rows,
                                 sn_attributes_number(&run->run.experiment, "epochs"));
        sn_report_table_number(table, 2, sn_report_last(run, "test_accuracy"));
        sn_report_table_cell(table, "%s", run->digest);
        sn_report_table_cell(table, "%s", sn_report_text(&run->run.experiment, "digest"));
        sn_report_table_cell(table, "%zu", run->run.provenance_count);
        sn_report_table_cell(table, "%s", run->path);
    }
    sn_document_table(document, "All runs and their digests", table);
}

/* Each start of each run: a run may have begun on one machine and gone on on another. */
static void add_starts(sn_document *document, const sn_report_runs *runs)
{
    static const struct {
        const char *heading, *attribute;
    } columns[] = {{"started", "started"},
                   {"hosts", "hosts"},
                   {"instruction set", "instruction_set"},
                   {"version", "syncnorm_version"},
                   {"git revision", "git_revision"},
                   {"compiler", "compiler"},
                   {"compiler flags", "compiler_flags"},
                   {"MPI", "mpi_version"},
                   {"HDF5", "hdf5_version"},
                   {"OpenBLAS", "openblas_version"},
                   {"chosen from", "chosen_from"},
                   {"command line", "command_line"}};
    enum { COLUMNS = sizeof columns / sizeof *columns };
    sn_report_table *table = sn_report_table_create(
        "starts", "Every start of every run: where, by what, and how it was made");
    sn_report_table_column(table, false, "run");
    sn_report_table_column(table, true, "start");
    sn_report_table_column(table, true, "ranks");
    for (size_t c = 0; c < COLUMNS; c++)
        sn_report_table_column(table, false, "%s", columns[c].heading);
    for (size_t i = 0; i < runs->count; i++)
        for (size_t k = 0; k < runs->runs[i].run.provenance_count; k++) {
            const sn_attributes *start = &runs->runs[i].run.provenance[k];
            sn_report_table_cell(table, "%s", runs->runs[i].name);
            sn_report_table_cell(table, "%zu", k + 1);
            sn_report_table_number(table, 0, sn_attributes_number(start, "ranks"));
            for (size_t c = 0; c < COLUMNS; c++)
                sn_report_table_cell(table, "%s", sn_report_text(start, columns[c].attribute));
        }
    if (sn_report_table_rows(table) == 0) {
        sn_report_table_destroy(table);
        sn_document_leave_out(document, "where the runs were made", "their files do not say");
        return;
    }
    sn_report_table_drop_empty(table);
    sn_document_table(document, "Every start: command line, machine, versions", table);
}

static void add_commands(sn_document *document, const sn_report_runs *runs)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out && i < runs->count; i++) {
        if (runs->runs[i].repeats) continue;
        sn_put_command(out, &runs->runs[i]);
        fputc('\n', out);
    }
    if (!out || fclose(out) != 0) document->failed = true;
    sn_document_text(
        document,
        "Each run can be made again, to the bit, on any number of ranks (put mpirun -q -np N before it):");
    if (text) sn_document_code(document, "The command for each run", text);
    free(text);
}

/* Every value of every epoch, a line each, for programs. */
static void add_epochs(sn_document *document, const sn_report_runs *runs)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (out) fputs("run,epoch,metric,value\r\n", out);
    for (size_t i = 0; out && i < runs->count; i++) {
        const sn_report_run *run = &runs->runs[i];
        const sn_table *table = &run->run.epochs;
        for (size_t row = 0; row < table->rows && !run->repeats; row++)
            for (size_t c = 0; c < table->column_count; c++) {
                const char *metric = table->columns[c].name;
                const double value = sn_table_get(table, metric, row);
                if (isnan(value) || strcmp(metric, "epoch") == 0) continue;
                sn_put_text(out, SN_SYNTAX_CSV, run->name);
                fprintf(out, ",%.0f,", sn_report_epoch_value(run, "epoch", row));
                sn_put_text(out, SN_SYNTAX_CSV, metric);
                fprintf(out, ",%.15g\r\n", value);
            }
    }
    if (!out || fclose(out) != 0)
        document->failed = true;
    else
        sn_document_file(document, "epochs.csv", text);
    free(text);
    sn_document_text(
        document, "epochs.csv, beside this page, has every value of every epoch: run, epoch, metric, value.");
}

void sn_section_recipe(sn_document *document, const sn_report_runs *runs)
{
    sn_document_section(document, "Recipe and provenance");
    add_recipe(document, runs);
    add_networks(document, runs);
    add_runs(document, runs);
    add_starts(document, runs);
    add_commands(document, runs);
    add_epochs(document, runs);
    sn_document_end_section(document);
}
