/* The data set of a team. One rank per node, the loader, reads the four files into memory of its own; only when all
   loaders succeeded and found the same contents is the memory that a node's ranks share created and filled. */

#include "syncnorm/dataset/dataset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idx.h"
#include "locate.h"
#include "syncnorm/base/log.h"
#include "syncnorm/base/memory.h"

enum { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, FILES, PATH = 4096 };

static const char *const file_names[FILES] = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                              "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

static const struct {
    sn_digest digest;
    const char *name;
} known_sets[] = {
    {{0x3811f59d10c5d815, 0x90dfc56c5135fd65}, "MNIST"},
    {{0x5208dda342048f3d, 0x71f9eff7a87e5afe}, "Fashion-MNIST"},
};

/* What a loader tells the other ranks of its node. */
typedef struct facts {
    uint32_t train, test; /* samples */
    sn_digest digest;
} facts;

/* The four files in a loader's own memory. */
typedef struct contents {
    uint8_t *data[FILES];
    uint32_t count[FILES];
} contents;

struct sn_dataset {
    sn_shared *shared;
    sn_samples train, test;
    sn_digest digest;
    char name[SN_DATASET_NAME];
};
_Static_assert(SN_DATASET_NAME >= sizeof "unknown ()" + SN_DIGEST_HEX, "a name may have a digest in it");

static sn_status read_pair(const char *directory, int images, int labels, contents *c)
{
    char images_path[PATH], labels_path[PATH];
    SN_TRY(sn_locate_file(directory, file_names[images], images_path, sizeof images_path));
    SN_TRY(sn_locate_file(directory, file_names[labels], labels_path, sizeof labels_path));
    SN_TRY(sn_idx_read_images(images_path, &c->data[images], &c->count[images]));
    SN_TRY(sn_idx_read_labels(labels_path, &c->data[labels], &c->count[labels]));
    if (c->count[images] != c->count[labels])
        return sn_fail(SN_ERROR_DATA, "%s: %u labels for the %u images of %s", labels_path, c->count[labels],
                       c->count[images], images_path);
    return SN_OK;
}

static size_t data_bytes(const contents *c, int file)
{
    return (size_t)c->count[file] * (file == TRAIN_IMAGES || file == TEST_IMAGES ? SN_IMAGE_PIXELS : 1);
}

static sn_status digest_of(const contents *c, sn_digest *digest)
{
    sn_hasher *hasher = sn_hasher_create();
    if (!hasher) return sn_fail(SN_ERROR_MEMORY, "out of memory: the digest of the data set");
    for (int file = 0; file < FILES; file++) {
        /* checked when it was read, so the header is known from the count */
        const bool images = file == TRAIN_IMAGES || file == TEST_IMAGES;
        unsigned char header[SN_IDX_HEADER];
        sn_hasher_add(hasher, header,
                      sn_idx_header(images ? SN_IDX_IMAGES : SN_IDX_LABELS, c->count[file], header));
        sn_hasher_add(hasher, c->data[file], data_bytes(c, file));
    }
    *digest = sn_hasher_finish(hasher);
    return SN_OK;
}

static sn_status load(const char *directory, contents *c, facts *found)
{
    char located[PATH];
    SN_TRY(sn_locate_directory(directory, located, sizeof located));
    SN_TRY(read_pair(located, TRAIN_IMAGES, TRAIN_LABELS, c));
    SN_TRY(read_pair(located, TEST_IMAGES, TEST_LABELS, c));
    found->train = c->count[TRAIN_IMAGES];
    found->test = c->count[TEST_IMAGES];
    return digest_of(c, &found->digest);
}

/* Loads on one rank of each node and tells every rank the facts. Collective. */
static sn_status load_on_nodes(sn_team *team, const char *directory, contents *c, facts *found)
{
    sn_shared *board;
    void *memory;
    bool loader = false;
    sn_status status = sn_shared_create(team, sizeof(facts), &board, &memory, &loader);
    status = sn_team_agree(team, status);
    if (status == SN_OK) {
        if (loader) status = load(directory, c, memory);
        sn_shared_publish(board);
        *found = *(const facts *)memory;
        status = sn_team_agree(team, status);
    }
    sn_shared_destroy(board);
    return status;
}

/* Nodes with disks of their own may hold different files. Collective. */
static sn_status check_same(sn_team *team, const facts *found)
{
    int *differing = calloc((size_t)sn_team_size(team), sizeof *differing);
    sn_status status = differing ? SN_OK : sn_fail(SN_ERROR_MEMORY, "out of memory: comparing the nodes");
    /* without memory the rank still takes part */
    if (!sn_team_same(team, found, sizeof *found, differing) && differing && differing[sn_team_rank(team)]) {
        char hex[SN_DIGEST_HEX];
        sn_digest_hex(found->digest, hex);
        status = sn_fail(SN_ERROR_DATA, "the data set on %s (digest %s) differs from that on other nodes",
                         sn_comm_host(), hex);
    }
    free(differing);
    return sn_team_agree(team, status);
}

/* Where ranks could not share: it costs memory, no bit. Collective. */
static sn_status tell_of_copies(sn_team *team, const sn_shared *shared)
{
    char *reasons;
    SN_TRY(sn_team_gather_names(team, sn_shared_why_copied(shared), "; ", &reasons));
    if (reasons && *reasons)
        sn_log_warning("%s; until then each rank there has a copy of the data set of its own", reasons);
    sn_free(reasons);
    return SN_OK;
}

/* Moves the contents into node-shared memory: training pixels and labels, then the test set's. Collective. */
static sn_status share(sn_team *team, const contents *c, const facts *found, sn_dataset *dataset)
{
    const size_t bytes = ((size_t)found->train + found->test) * (SN_IMAGE_PIXELS + 1);
    void *memory;
    bool loader = false;
    const sn_status status = sn_shared_create(team, bytes, &dataset->shared, &memory, &loader);
    SN_TRY(sn_team_agree(team, status));
    SN_TRY(tell_of_copies(team, dataset->shared));
    uint8_t *next = memory;
    for (int file = 0; file < FILES; next += data_bytes(c, file++))
        if (c->data[file]) memcpy(next, c->data[file], data_bytes(c, file)); /* on the loader alone */
    sn_shared_publish(dataset->shared);

    const uint8_t *train_labels = (uint8_t *)memory + (size_t)found->train * SN_IMAGE_PIXELS;
    const uint8_t *test_pixels = train_labels + found->train;
    dataset->train = (sn_samples){memory, train_labels, found->train, NULL};
    dataset->test = (sn_samples){test_pixels, test_pixels + (size_t)found->test * SN_IMAGE_PIXELS,
                                 found->test, NULL};
    return SN_OK;
}

static void name_dataset(sn_digest digest, char name[SN_DATASET_NAME])
{
    for (size_t i = 0; i < sizeof known_sets / sizeof *known_sets; i++)
        if (known_sets[i].digest.high == digest.high && known_sets[i].digest.low == digest.low) {
            snprintf(name, SN_DATASET_NAME, "%s", known_sets[i].name);
            return;
        }
    char hex[SN_DIGEST_HEX];
    sn_digest_hex(digest, hex);
    snprintf(name, SN_DATASET_NAME, "unknown (%s)", hex);
}

static void forget(contents *c)
{
    for (int file = 0; file < FILES; file++)
        free(c->data[file]);
}

sn_status sn_dataset_glance(const char *directory, sn_dataset_facts *facts_out)
{
    contents c = {0};
    facts found = {0};
    const sn_status status = load(directory, &c, &found);
    forget(&c);
    SN_TRY(status);
    *facts_out = (sn_dataset_facts){.digest = found.digest, .train = found.train, .test = found.test};
    name_dataset(found.digest, facts_out->name);
    return SN_OK;
}

sn_status sn_dataset_open(sn_team *team, const char *directory, sn_dataset **dataset)
{
    *dataset = NULL;
    sn_dataset *d = calloc(1, sizeof *d);
    contents c = {0};
    facts found = {0};
    sn_status status = d ? SN_OK : sn_fail(SN_ERROR_MEMORY, "out of memory: the data set");
    status = sn_team_agree(team, status);
    if (status == SN_OK) status = load_on_nodes(team, directory, &c, &found);
    if (status == SN_OK) status = check_same(team, &found);
    if (status == SN_OK) status = share(team, &c, &found, d);
    forget(&c);
    if (status != SN_OK) {
        sn_dataset_close(d);
        return status;
    }
    d->digest = found.digest;
    name_dataset(d->digest, d->name);
    *dataset = d;
    return SN_OK;
}

void sn_dataset_close(sn_dataset *dataset)
{
    if (!dataset) return;
    sn_shared_destroy(dataset->shared);
    free(dataset);
}

sn_samples sn_dataset_train(const sn_dataset *dataset)
{
    return dataset->train;
}

sn_samples sn_dataset_test(const sn_dataset *dataset)
{
    return dataset->test;
}

sn_digest sn_dataset_digest(const sn_dataset *dataset)
{
    return dataset->digest;
}

const char *sn_dataset_name(const sn_dataset *dataset)
{
    return dataset->name;
}
