/* The reader of run files on files that are sound HDF5, well sealed, and of a schema that is not ours.
 *
 * An input is a list of edits that HDF5 itself makes to a small run as the writer writes it. So the fuzzer spends its time in
 * our checks of the schema, where changed bytes mostly end in checksums of HDF5's. What can be read is then printed, written
 * and read again, as inspecting and resuming do.
 *
 * The edits are made in a child process, a new one for every input: libhdf5 1.10.8 does not survive all of them (it crashed in
 * H5Ldelete, for one, on what earlier inputs had left in its memory). An input that ends the child says nothing about the
 * reader, which works here, where it is watched. */

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run_claims.h"
#include "small_run.h"
#include "syncnorm/cli/inspect.h"
#include "target.h"
#include "trailer.h"

typedef struct script {
    const uint8_t *next;
    size_t left;
} script;

static unsigned take(script *s, unsigned choices)
{
    if (s->left == 0) return 0;
    s->left--;
    return *s->next++ % choices;
}

static const char *take_group(script *s)
{
    static const char *const groups[] = {"/",
                                         "/model",
                                         "/optimizer",
                                         "/experiment",
                                         "/progress",
                                         "/metrics",
                                         "/metrics/step",
                                         "/metrics/epoch",
                                         "/provenance",
                                         "/provenance/0",
                                         "/evaluation",
                                         "/evaluation/misclassified",
                                         "/evaluation/extra"};
    return groups[take(s, sizeof groups / sizeof *groups)];
}

static const char *take_name(script *s)
{
    static const char *const names[] = {"model",
                                        "metrics",
                                        "provenance",
                                        "0",
                                        "1",
                                        "step",
                                        "loss",
                                        "epoch",
                                        "conv1.weight",
                                        "conv1.bias",
                                        "counter",
                                        "index",
                                        "misclassified",
                                        "extra",
                                        "predictions",
                                        "units",
                                        "digest",
                                        "format",
                                        "format_version",
                                        "complete",
                                        "two\nlines",
                                        "\xff\xfe",
                                        "...",
                                        " ",
                                        "a_name_of_forty_seven_bytes_which_are_as_many_as",
                                        "a_name_of_more_bytes_than_the_lists_in_memory_keep_for_names"};
    return names[take(s, sizeof names / sizeof *names)];
}

static hid_t take_type(script *s)
{
    const hid_t types[] = {H5T_IEEE_F32LE, H5T_IEEE_F64LE,  H5T_STD_I64LE, H5T_STD_I32LE,
                           H5T_STD_U8LE,   H5T_IEEE_F32BE,  H5T_STD_I8LE,  H5T_STD_U64BE,
                           H5T_STD_B8LE,   H5T_STD_REF_OBJ, H5T_C_S1,      H5T_NATIVE_LDOUBLE};
    return types[take(s, sizeof types / sizeof *types)];
}

enum { RANKS = 7 };

static hid_t take_space(script *s, hsize_t extent[RANKS], hsize_t most[RANKS], int *rank)
{
    static const hsize_t sizes[] = {0, 1, 2, 3, 4, 7, 512, 1 << 20, (hsize_t)1 << 33, (hsize_t)1 << 62};
    const unsigned kind = take(s, 8);
    *rank = 0;
    if (kind == 0) return H5Screate(H5S_NULL);
    if (kind == 1) return H5Screate(H5S_SCALAR);
    *rank = 1 + (int)take(s, RANKS - 1);
    for (int i = 0; i < *rank; i++) {
        extent[i] = sizes[take(s, kind < 6 ? 6 : sizeof sizes / sizeof *sizes)];
        most[i] = H5S_UNLIMITED;
    }
    return H5Screate_simple(*rank, extent, most);
}

static hid_t take_layout(script *s, int rank)
{
    const hid_t properties = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk[RANKS] = {1 + take(s, 16), 2, 2, 2, 2, 2, 2};
    if (rank > 0) H5Pset_chunk(properties, rank, chunk);
    if (take(s, 4) == 0) H5Pset_deflate(properties, 6);
    if (take(s, 8) == 0) H5Pset_layout(properties, take(s, 2) ? H5D_COMPACT : H5D_CONTIGUOUS);
    return properties;
}

/* Edits of every kind fail often, which is no matter. */
static void edit_dataset(script *s, hid_t file)
{
    hsize_t extent[RANKS], most[RANKS];
    int rank;
    const hid_t group = H5Gopen2(file, take_group(s), H5P_DEFAULT);
    const char *name = take_name(s);
    const hid_t type = take_type(s), space = take_space(s, extent, most, &rank),
                properties = take_layout(s, rank);
    H5Ldelete(group, name, H5P_DEFAULT);
    const hid_t set = H5Dcreate2(group, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    H5Dclose(set);
    H5Pclose(properties);
    H5Sclose(space);
    H5Gclose(group);
}

static void put_text(hid_t object, const char *name, const char *text, size_t size)
{
    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, size);
    const hid_t id = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(id, type, size == H5T_VARIABLE ? (const void *)&text : (const void *)text);
    H5Aclose(id);
    H5Sclose(space);
    H5Tclose(type);
}

static void put_number(script *s, hid_t object, const char *name)
{
    static const int64_t values[] = {0, 1, 2, -1, INT64_MIN, INT64_MAX, 0x7ff8000000000000, 1 << 30};
    const int64_t value[16] = {values[take(s, 8)]};
    hsize_t extent[RANKS], most[RANKS];
    int rank;
    const hid_t type = take_type(s),
                space = take(s, 4) ? H5Screate(H5S_SCALAR) : take_space(s, extent, most, &rank);
    const hid_t id = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (H5Sget_simple_extent_npoints(space) == 1) H5Awrite(id, type, value);
    H5Aclose(id);
    H5Sclose(space);
}

static void edit_attribute(script *s, hid_t file)
{
    char path[256];
    const char *group = take_group(s);
    snprintf(path, sizeof path, "%s/%s", group, take(s, 2) ? take_name(s) : ".");
    const hid_t object = H5Oopen(file, path, H5P_DEFAULT);
    const char *name = take_name(s);
    static const char *const texts[] = {
        "",  "syncnorm-run",      "nats",
        "%", "two\nlines\x1b[2J", "units that are longer than thirty-two bytes are"};
    H5Adelete(object, name);
    switch (take(s, 4)) {
    case 0:
        break;
    case 1:
        put_text(object, name, texts[take(s, 6)], H5T_VARIABLE);
        break;
    case 2:
        put_text(object, name, "fixed string", 5);
        break;
    default:
        put_number(s, object, name);
    }
    H5Oclose(object);
}

static void edit_link(script *s, hid_t file)
{
    const char *from = take_group(s), *to = take_group(s);
    const hid_t group = H5Gopen2(file, take_group(s), H5P_DEFAULT);
    const char *name = take_name(s);
    switch (take(s, 6)) {
    case 0:
        H5Ldelete(group, name, H5P_DEFAULT);
        break;
    case 1:
        H5Lcreate_hard(file, from, group, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 2:
        H5Lcreate_soft(to, group, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 3:
        H5Lcreate_external("elsewhere.h5", from, group, name, H5P_DEFAULT, H5P_DEFAULT);
        break;
    case 4:
        H5Ldelete(file, to, H5P_DEFAULT);
        H5Lmove(file, from, file, to, H5P_DEFAULT, H5P_DEFAULT);
        break;
    default:
        H5Gclose(H5Gcreate2(group, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    }
    H5Gclose(group);
}

static void edit_extent(script *s, hid_t file)
{
    static const hsize_t rows[] = {0, 1, 2, 3, 513, 100000};
    const hid_t group = H5Gopen2(file, take_group(s), H5P_DEFAULT);
    const hid_t set = H5Dopen2(group, take_name(s), H5P_DEFAULT);
    H5Dset_extent(set, &rows[take(s, 6)]);
    H5Dclose(set);
    H5Gclose(group);
}

static void edit(script *s, hid_t file)
{
    static void (*const edits[])(script *, hid_t) = {edit_dataset, edit_attribute, edit_link, edit_extent};
    for (int count = 0; s->left > 0 && count < 32; count++)
        edits[take(s, 4)](s, file);
}

/* The small run's file after the edits, or 0 bytes when it has no room. */
static size_t edited_file(const sn_bytes *small, const uint8_t *data, size_t size, uint8_t *image,
                          size_t room)
{
    const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_core(access, 1 << 16, 0);
    H5Pset_file_image(access, small->data, small->size);
    const hid_t file = H5Fopen("edited run", H5F_ACC_RDWR, access);
    edit(&(script){data, size}, file);
    H5Fflush(file, H5F_SCOPE_GLOBAL);
    const ssize_t bytes = H5Fget_file_image(file, NULL, 0);
    if (bytes <= 0 || (size_t)bytes > room || H5Fget_file_image(file, image, (size_t)bytes) != bytes)
        return 0;
    return (size_t)bytes;
}

/* Only sanitizers have it; libFuzzer would take the child's end for a finding. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void become_expendable(void)
{
    enum { CPU_SECONDS = 20 }; /* an edit takes milliseconds, or hangs */
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM, SIGXCPU};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        signal(deadly[i], SIG_DFL);
    if (__sanitizer_set_death_callback) __sanitizer_set_death_callback(NULL);
    const int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    (void)setrlimit(RLIMIT_CPU, &(struct rlimit){CPU_SECONDS, CPU_SECONDS + 1});
}

typedef struct shared {
    size_t size; /* set last */
    uint8_t image[((size_t)64 << 20) - sizeof(size_t)];
} shared;

/* The file after the edits, sealed; NULL when HDF5 did not survive them. */
static const uint8_t *edited_apart(const uint8_t *data, size_t size, size_t *file_size)
{
    static sn_bytes small;
    static shared *result = MAP_FAILED;
    if (result == MAP_FAILED) {
        small_run_image(&small);
        result = mmap(NULL, sizeof *result, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        CLAIM(result != MAP_FAILED);
    }
    result->size = 0;
    const pid_t child = fork();
    CLAIM(child >= 0);
    if (child == 0) {
        become_expendable();
        result->size = edited_file(&small, data, size, result->image, sizeof result->image - TRAILER);
        _exit(0);
    }
    int end;
    pid_t ended;
    while ((ended = waitpid(child, &end, 0)) < 0 && errno == EINTR) /* libFuzzer's alarm */
        ;
    CLAIM(ended == child);
    if (!WIFEXITED(end) || WEXITSTATUS(end) != 0 || result->size == 0) return NULL;
    trailer_put(result->image, result->size);
    *file_size = result->size + TRAILER;
    return result->image;
}

static void claim_it_can_be_written(const sn_run *run, const char *path)
{
    sn_bytes image;
    sn_run again = {0};
    claim_one_line(sn_image_write(run, path, 0, &image), SN_OK, path);
    claim_one_line(sn_image_read(image.data, image.size, path, &again), SN_OK, path);
    CLAIM(again.model.count == run->model.count && again.steps.rows == run->steps.rows);
    sn_run_clear(&again);
    free(image.data);
}

static void claim_it_can_be_printed(const char *path)
{
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    CLAIM(out != NULL);
    claim_one_line(sn_inspect_print(path, out), SN_OK, path);
    fclose(out);
    for (size_t i = 0; i < length; i++) /* nothing in a file may speak to the terminal */
        CLAIM(text[i] == '\n' || ((unsigned char)text[i] >= ' ' && text[i] != 0x7f));
    free(text);
}

/* As --init reads it, but in this process, where the sanitizers see it. */
static void claim_its_weights_can_be_read(const uint8_t *image, size_t size, const char *path)
{
    sn_tensors model = {0};
    const sn_status status = sn_image_read_model(image, size, path, &model);
    CLAIM((status == SN_OK) == (model.count > 0));
    claim_whole_tensors(&model);
    claim_one_line(status, SN_ERROR_FILE, path);
    sn_tensors_clear(&model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    size_t file_size;
    const uint8_t *contents = edited_apart(data, size, &file_size);
    CLAIM(size > 0 || contents); /* without edits nothing may go wrong */
    if (!contents) return 0;
    const int file = file_of(contents, file_size, path);
    claim_its_weights_can_be_read(contents, file_size - TRAILER, path);
    sn_run run;
    const sn_status status = sn_run_read(path, &run);
    CLAIM(size > 0 || status == SN_OK);
    claim_whole_run(&run, status);
    claim_one_line(status, SN_ERROR_FILE, path);
    if (status == SN_OK) {
        claim_it_can_be_written(&run, path);
        claim_it_can_be_printed(path);
    }
    sn_run_clear(&run);
    CLAIM(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0); /* no id is forgotten */
    close(file);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    (void)seed;
    return LLVMFuzzerMutate(data, size, most);
}
