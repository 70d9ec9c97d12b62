#include "display.h"

#include <string.h>

#include "cli.h"
#include "syncnorm/nn/summary.h"
#include "syncnorm/train/epoch_line.h"
#include "terminal.h"

enum { DEFAULT_COLUMNS = 100, LINE_SIZE = 512 };

#define REDRAW_SECONDS 0.1

void sn_display_start(sn_display *display, sn_cli_progress when, bool silent, FILE *out)
{
    *display = (sn_display){.out = out, .silent = silent};
    display->bar = when == SN_PROGRESS_ALWAYS ||
                   (when == SN_PROGRESS_AUTO && sn_cli_terminal_columns(out) > 0);
}

static void compose(const sn_display *p, char line[LINE_SIZE])
{
    const uint32_t done = p->batch + 1;
    const double fraction = p->steps ? (double)done / p->steps : 1;
    const double rate = p->seconds > 0 ? done / p->seconds : 0;
    char bar[SN_CLI_BAR_SIZE], elapsed[SN_CLI_TIME_SIZE], left[SN_CLI_TIME_SIZE], speed[32];
    sn_cli_write_bar(fraction, bar);
    sn_cli_write_time(p->seconds, elapsed);
    sn_cli_write_time(rate > 0 ? (p->steps - done) / rate : 0, left);
    if (rate >= 1 || rate <= 0)
        snprintf(speed, sizeof speed, "%.1fit/s", rate);
    else
        snprintf(speed, sizeof speed, "%.2fs/it", 1 / rate);
    snprintf(line, LINE_SIZE, "Epoch=%u Loss=%.4f batch_id=%u Accuracy=%.2f%%: %3.0f%%|%s| %u/%u [%s<%s, %s]",
             p->epoch, p->loss, p->batch, p->accuracy, 100 * fraction, bar, done, p->steps, elapsed, left,
             speed);
}

/* Overwrites the line on the screen; blanks what an earlier, longer one left behind. */
static void draw(sn_display *p, bool last)
{
    char line[LINE_SIZE];
    compose(p, line);
    const int columns = sn_cli_terminal_columns(p->out);
    /* the last one stays, so it is whole; the others leave the last column free, where terminals would wrap */
    const int used = sn_cli_cut(line, last ? LINE_SIZE : (columns > 1 ? columns : DEFAULT_COLUMNS) - 1);
    fprintf(p->out, "\r%s", line);
    for (int column = used; column < p->drawn; column++)
        putc(' ', p->out);
    if (last) fputs("\n", p->out);
    sn_cli_flush();
    p->drawn = last ? 0 : used;
    p->drawn_at = p->seconds;
}

static void on_start(void *context, const sn_experiment *experiment, const char *dataset, int ranks)
{
    sn_display *p = context;
    p->started = true;
    p->epochs = experiment->epochs;
    p->last_step = experiment->steps;
    if (p->silent) return;
    char name[SN_RUN_NAME_SIZE];
    sn_experiment_name(experiment, name);
    fprintf(p->out, "%s on %s, %d %s\n", name, dataset, ranks, ranks == 1 ? "rank" : "ranks");
    sn_network network;
    if (sn_network_build(sn_experiment_network(experiment), &network) == SN_OK)
        sn_summary_print(&network, "", p->out);
    fputs("\n", p->out);
    sn_cli_flush();
}

static void on_epoch_start(void *context, uint32_t epoch, uint32_t steps)
{
    sn_display *p = context;
    p->epoch = epoch;
    p->steps = steps;
    /* --steps may end the run within this epoch */
    const uint64_t before = (uint64_t)(epoch - 1) * steps;
    if (p->last_step && p->last_step < before + steps) p->steps = (uint32_t)(p->last_step - before);
    p->drawn_at = -1;
}

static void on_step(void *context, uint32_t batch, double loss, double accuracy, double seconds)
{
    sn_display *p = context;
    p->batch = batch;
    p->loss = loss;
    p->accuracy = accuracy;
    p->seconds = seconds;
    const bool last = batch + 1 >= p->steps;
    if (p->silent || !p->bar) return;
    if (last || p->drawn_at < 0 || seconds - p->drawn_at >= REDRAW_SECONDS) draw(p, last);
}

static void print_score(FILE *out, const char *set, const sn_evaluation *e)
{
    if (e->count > 0)
        fprintf(out, "\n%s: Average loss: %.4f, Accuracy: %lld/%u (%.2f%%)\n", set, e->loss,
                (long long)e->correct, e->count, e->accuracy);
}

static void on_epoch_end(void *context, const sn_epoch_row *row)
{
    sn_display *p = context;
    if (p->silent) return;
    if (p->bar) {
        sn_display_finish(p);
        print_score(p->out, "Validation set", &row->validation);
        print_score(p->out, "Test set", &row->test);
        fputc('\n', p->out);
    } else {
        char line[LINE_SIZE];
        sn_epoch_line(row, p->epochs, line, sizeof line);
        fprintf(p->out, "%s\n", line);
    }
    sn_cli_flush();
}

/* In rows of five, as the published figures have them */
static void print_digits(FILE *out, const char *heading, const sn_result *result, bool prediction)
{
    fprintf(out, "%s\n\n", heading);
    for (int i = 0; i < result->miss_count; i++)
        fprintf(out, "%d%s", prediction ? result->misses[i].prediction : result->misses[i].label,
                i % 5 == 4 || i + 1 == result->miss_count ? "\n" : " ");
}

static void on_end(void *context, const sn_result *result)
{
    sn_display *p = context;
    if (p->silent) return;
    sn_display_finish(p);
    if (result->miss_count > 0) {
        fprintf(p->out, "%sMisclassified Images\n\n", p->bar ? "" : "\n");
        print_digits(p->out, "Correct Labels:", result, false);
        print_digits(p->out, "\nPrediction :", result, true);
    }
    sn_ways_print(&result->ways, p->out);
    fprintf(p->out, "\nDigest: %s\nRun file: %s\n", result->digest, result->output);
    sn_cli_flush();
}

sn_observer sn_display_observer(sn_display *display)
{
    return (sn_observer){.context = display,
                         .start = on_start,
                         .epoch_start = on_epoch_start,
                         .step = on_step,
                         .epoch_end = on_epoch_end,
                         .end = on_end};
}

void sn_display_complete(sn_display *display, const sn_result *result)
{
    if (!display->started) on_end(display, result);
}

void sn_display_finish(sn_display *display)
{
    if (display->drawn == 0) return;
    fputs("\n", display->out);
    display->drawn = 0;
    sn_cli_flush();
}
