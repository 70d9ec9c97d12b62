/* The images that are taken for something else: pictures, those that all experiments get wrong, confusion matrices. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "picture.h"
#include "sections.h"
#include "text.h"

enum { SIDE = 28, PIXELS = SIDE * SIDE, SHOWN_MAX = 20, COMMON_MAX = 40, MANY = 4 };

/* The misclassified images of a run. */
typedef struct misses {
    size_t count;
    const int64_t *index;
    const uint8_t *image, *label, *prediction;
    const float *probability;
} misses;

static const sn_tensor *part(const sn_report_run *run, const char *name, sn_type type, size_t each,
                             size_t count)
{
    const sn_tensor *tensor = sn_report_evaluation(run, name);
    return tensor && tensor->type == type && sn_tensor_count(tensor) == count * each ? tensor : NULL;
}

/* False when the run has no list of them, or not as it should be. The list of a run without mistakes is empty. */
static bool find_misses(const sn_report_run *run, misses *m)
{
    const sn_tensor *index = sn_report_evaluation(run, "misclassified/index");
    if (!run->shown || !index || index->type != SN_TYPE_I64) return false;
    const size_t n = sn_tensor_count(index);
    const sn_tensor *image = part(run, "misclassified/image", SN_TYPE_U8, PIXELS, n);
    const sn_tensor *label = part(run, "misclassified/label", SN_TYPE_U8, 1, n);
    const sn_tensor *prediction = part(run, "misclassified/prediction", SN_TYPE_U8, 1, n);
    const sn_tensor *probability = part(run, "misclassified/probability", SN_TYPE_F32, 1, n);
    if (!image || !label || !prediction || !probability) return false;
    *m = (misses){n, index->data, image->data, label->data, prediction->data, probability->data};
    return true;
}

/* An image and who gets it wrong. */
typedef struct mistake {
    int64_t index;
    const uint8_t *image;
    uint8_t label, prediction; /* as the first run has it */
    float probability;
    size_t runs;
} mistake;

static int by_index(const void *left, const void *right)
{
    const mistake *a = left, *b = right;
    return a->index < b->index ? -1 : a->index > b->index;
}

/* Wrong in most runs first, then the surest. */
static int by_weight(const void *left, const void *right)
{
    const mistake *a = left, *b = right;
    if (a->runs != b->runs) return a->runs > b->runs ? -1 : 1;
    if (a->probability < b->probability || a->probability > b->probability)
        return a->probability > b->probability ? -1 : 1;
    return by_index(left, right);
}

typedef struct mistakes {
    mistake *items;
    size_t count, capacity;
    size_t runs; /* that have a list of misclassified images */
} mistakes;

static bool add_run(mistakes *list, const sn_report_run *run)
{
    misses m;
    if (!find_misses(run, &m)) return true;
    list->runs++;
    if (list->count + m.count > list->capacity) {
        const size_t capacity = 2 * (list->count + m.count);
        mistake *items = realloc(list->items, capacity * sizeof *items);
        if (!items) return false;
        list->items = items;
        list->capacity = capacity;
    }
    for (size_t i = 0; i < m.count; i++)
        list->items[list->count++] = (mistake){m.index[i],      m.image + i * PIXELS, m.label[i],
                                               m.prediction[i], m.probability[i],     1};
    return true;
}

/* Entries of one image become one; the order of the sort among equals does not show: the surest stays. */
static void merge(mistakes *list)
{
    if (!list->count) return;
    qsort(list->items, list->count, sizeof *list->items, by_index);
    size_t kept = 0;
    for (size_t i = 1; i < list->count; i++) {
        mistake *last = &list->items[kept], *next = &list->items[i];
        if (next->index != last->index) {
            list->items[++kept] = *next;
            continue;
        }
        const size_t runs = last->runs + next->runs;
        if (next->probability > last->probability ||
            (next->probability >= last->probability && next->prediction < last->prediction))
            *last = *next;
        last->runs = runs;
    }
    list->count = kept + 1;
    qsort(list->items, list->count, sizeof *list->items, by_weight);
}

static void add_picture(sn_document *document, sn_block *block, const mistake *m, char *note)
{
    sn_report_picture *picture = sn_block_add_picture(document, block);
    if (!picture) {
        free(note);
        return;
    }
    picture->note = note;
    picture->title = sn_text("%d taken for %d", m->label, m->prediction);
    picture->alternative = sn_text("Image %lld: %s %d, taken for %d", (long long)m->index,
                                   m->label == 8 ? "an" : "a", m->label, m->prediction);
    for (int i = 0; i < PIXELS; i++)
        picture->grey[i] = (unsigned char)(255 - m->image[i]); /* dark on light, as written */
    if (!note || !picture->title || !picture->alternative ||
        sn_png_encode(picture->grey, SIDE, SIDE, &picture->png, &picture->size) != SN_OK)
        document->failed = true;
}

enum { SLUG = 160 };

/* For names of files, which have an end: a label that is too long for one goes on with the experiment's digest. */
static void slug_of(const sn_report_group *group, char slug[SLUG + 16])
{
    sn_slug(group->label, slug, SLUG);
    if (strlen(group->label) < SLUG) return;
    char digest[9];
    snprintf(digest, sizeof digest, "%s", sn_report_text(sn_report_experiment(group), "digest"));
    strcat(slug, "-");
    sn_slug(digest, slug + strlen(slug), sizeof digest);
}

static void add_group(sn_document *document, const sn_report_group *group)
{
    mistakes list = {0};
    for (size_t i = 0; i < group->count; i++)
        if (!add_run(&list, &group->runs[i])) document->failed = true;
    merge(&list);
    sn_document_heading(document, "Misclassified by %s", group->brief);
    if (list.count == 0) {
        if (list.runs)
            sn_document_text(document, "No image was misclassified in %zu run%s.", list.runs,
                             list.runs == 1 ? "" : "s");
        else
            sn_document_note(
                document,
                "No complete run of %s lists its misclassified images: they come with the end of a run.",
                group->brief);
        free(list.items);
        return;
    }
    const size_t shown = list.count < SHOWN_MAX ? list.count : SHOWN_MAX;
    if (list.runs > 1)
        sn_document_text(document,
                         "%zu different images were misclassified in at least one of %zu runs; %zu of "
                         "them, those that most "
                         "runs get wrong first. The percentage is the probability given to the wrong class, "
                         "where it was highest.",
                         list.count, list.runs, shown);
    else
        sn_document_text(document,
                         "%zu images were misclassified; the %zu with the highest probability given to "
                         "the wrong class.",
                         list.count, shown);
    char slug[SLUG + 16], sheet[SLUG + 48];
    slug_of(group, slug);
    snprintf(sheet, sizeof sheet, "misclassified-%s.png", slug);
    sn_block *block = sn_document_pictures(document, sheet);
    if (block) block->folded = (block->heading = sn_text("The %zu images", shown)) != NULL;
    for (size_t i = 0; block && i < shown; i++) {
        const mistake *m = &list.items[i];
        const double percent = 100 * (double)m->probability;
        add_picture(document, block, m,
                    list.runs > 1 ? sn_text("%.0f %%, %zu/%zu runs", percent, m->runs, list.runs)
                                  : sn_text("%.0f %%", percent));
    }
    free(list.items);
}

static void add_common(sn_document *document, const sn_report_runs *runs)
{
    mistakes list = {0};
    const char *dataset = sn_report_text(sn_report_experiment(&runs->groups[0]), "dataset_digest");
    bool one_dataset = true;
    size_t groups = 0;
    for (size_t g = 0; g < runs->group_count; g++) {
        const size_t before = list.runs;
        const sn_report_group *group = &runs->groups[g];
        one_dataset = one_dataset &&
                      strcmp(dataset, sn_report_text(sn_report_experiment(group), "dataset_digest")) == 0;
        for (size_t i = 0; i < group->count; i++)
            if (!add_run(&list, &group->runs[i])) document->failed = true;
        groups += list.runs > before;
    }
    merge(&list);
    size_t all = 0;
    while (all < list.count && list.items[all].runs == list.runs)
        all++;
    if (!one_dataset || list.runs < 2) {
        sn_document_leave_out(document, "images that all get wrong",
                              "it needs two complete runs on one data set");
    } else {
        sn_document_heading(document, "Wrong in every run");
        sn_document_text(document,
                         "%zu image%s misclassified by every one of %zu runs of %zu experiment%s%s.%s", all,
                         all == 1 ? " is" : "s are", list.runs, groups, groups == 1 ? "" : "s",
                         all > COMMON_MAX ? "; the surest are shown" : "",
                         all ? " The more runs, the fewer they are." : "");
        sn_block *block = all ? sn_document_pictures(document, "misclassified-by-all.png") : NULL;
        for (size_t i = 0; block && i < all && i < COMMON_MAX; i++)
            add_picture(document, block, &list.items[i],
                        sn_text("#%lld, %.0f %%", (long long)list.items[i].index,
                                100 * (double)list.items[i].probability));
    }
    free(list.items);
}

static void add_confusion(sn_document *document, const sn_report_group *group, bool folded)
{
    enum { N = SN_REPORT_CLASSES };
    int64_t sum[N][N] = {{0}}, most = 1;
    size_t counted = 0;
    for (size_t i = 0; i < group->count; i++) {
        const sn_tensor *matrix = group->runs[i].shown ? part(&group->runs[i], "confusion", SN_TYPE_I64, N, N)
                                                       : NULL;
        if (!matrix) continue;
        const int64_t *counts = matrix->data;
        counted++;
        for (int k = 0; k < N * N; k++)
            sum[k / N][k % N] += counts[k];
    }
    if (!counted) return;
    char slug[SLUG + 16], name[SLUG + 32], heading[SN_REPORT_LABEL + 32];
    slug_of(group, slug);
    snprintf(name, sizeof name, "confusion-%s", slug);
    snprintf(heading, sizeof heading, "Confusion matrix of %s", group->brief);
    sn_report_table *table = sn_report_table_create(name,
                                                    "%s: labels in rows, predictions in columns; %zu run%s",
                                                    group->brief, counted, counted == 1 ? "" : "s added up");
    if (table) table->square = true;
    sn_report_table_column(table, false, "label");
    for (int k = 0; k < N; k++)
        sn_report_table_column(table, true, "%d", k);
    for (int k = 0; k < N * N; k++)
        if (k / N != k % N && sum[k / N][k % N] > most) most = sum[k / N][k % N];
    for (int row = 0; row < N; row++) {
        sn_report_table_cell(table, "%d", row);
        for (int k = 0; k < N; k++) {
            sn_report_table_cell(table, "%lld", (long long)sum[row][k]);
            if (row != k && sum[row][k] > 0) sn_report_table_shade(table, (double)sum[row][k] / (double)most);
        }
    }
    sn_document_table(document, folded ? heading : NULL, table);
}

void sn_section_mistakes(sn_document *document, const sn_report_runs *runs)
{
    sn_document_section(document, "Mistakes");
    add_common(document, runs);
    for (size_t g = 0; g < runs->group_count; g++)
        add_group(document, &runs->groups[g]);
    sn_document_heading(document, "Confusion");
    for (size_t g = 0; g < runs->group_count; g++)
        add_confusion(document, &runs->groups[g], runs->group_count > MANY);
    sn_document_end_section(document);
}
