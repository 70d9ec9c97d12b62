/* Anybody's weights, read apart: HDF5 parses a foreign file in a process of its own, which hands the tensors over a pipe.
 *
 * libhdf5 trusts what it reads: forged metadata can crash it, overwrite its memory or keep it busy for ever. Whatever happens,
 * it happens to the child. The parent believes nothing but what it checks here, so that a bad file is one line and an exit
 * code, also for the other ranks, who wait for ours. What fork() asks of an MPI program is kept: the child calls neither MPI
 * nor exit(), and touches no memory that a network could be writing to. */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image.h"

enum { CPU_SECONDS = 20 }; /* of the child: far more than MODEL_BYTES_MOST take */

/* What goes over the pipe: an answer, and after a success its tensors, each a header and its values. */
typedef struct answer {
    sn_status status;
    char message[SN_MESSAGE_SIZE];
    size_t count;
} answer;

typedef struct tensor_header {
    char name[SN_TENSOR_NAME];
    sn_type type;
    int rank;
    size_t shape[SN_TENSOR_RANK];
} tensor_header;

static void send_bytes(int pipe, const void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t wrote = write(pipe, (const char *)data + done, size - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) _exit(1); /* the parent does not want it any more */
        done += (size_t)wrote;
    }
}

static void send_tensors(int pipe, const sn_tensors *model)
{
    for (size_t i = 0; i < model->count; i++) {
        const sn_tensor *tensor = &model->items[i];
        tensor_header header = {.type = tensor->type, .rank = tensor->rank};
        memcpy(header.name, tensor->name, sizeof header.name);
        memcpy(header.shape, tensor->shape, sizeof header.shape);
        send_bytes(pipe, &header, sizeof header);
        send_bytes(pipe, tensor->data, sn_tensor_count(tensor) * sn_type_size(tensor->type));
    }
}

/* A crash is to end this process in silence: no handler of MPI's, no last words on standard error, no core file. */
static void become_expendable(void)
{
    static const int deadly[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGXCPU, SIGTERM, SIGINT};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        signal(deadly[i], SIG_DFL);
    const int nowhere = open("/dev/null", O_WRONLY);
    if (nowhere >= 0) dup2(nowhere, STDERR_FILENO);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* these are precautions: the reading does without them */
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    (void)setrlimit(RLIMIT_CPU, &(struct rlimit){CPU_SECONDS, CPU_SECONDS + 1});
}

static _Noreturn void read_in_child(int pipe, const void *image, size_t size, const char *path)
{
    become_expendable();
    sn_error_clear();
    sn_tensors model = {0};
    answer a = {.status = sn_image_read_model(image, size, path, &model)};
    a.count = model.count;
    strncpy(a.message, sn_error_message(), sizeof a.message - 1);
    send_bytes(pipe, &a, sizeof a);
    if (a.status == SN_OK) send_tensors(pipe, &model);
    _exit(0);
}

/* False when the child stopped sending. */
static bool receive_bytes(int pipe, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        const ssize_t got = read(pipe, (char *)data + done, size - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

static bool is_plausible(const tensor_header *header, size_t *budget)
{
    size_t bytes = sn_type_size(header->type); /* 0: no type */
    bool good = bytes > 0 && memchr(header->name, '\0', sizeof header->name) && header->rank >= 0 &&
                header->rank <= SN_TENSOR_RANK;
    for (int i = 0; good && i < header->rank; i++)
        good = !__builtin_mul_overflow(bytes, header->shape[i], &bytes);
    if (!good || bytes > *budget) return false;
    *budget -= bytes;
    return true;
}

/* *whole is set when everything came that the answer announced. */
static sn_status receive_tensors(int pipe, size_t count, bool *whole, sn_tensors *model)
{
    size_t budget = SN_MODEL_BYTES_MOST;
    for (size_t i = 0; i < count; i++) {
        tensor_header header;
        if (!receive_bytes(pipe, &header, sizeof header) || !is_plausible(&header, &budget) ||
            sn_tensors_find(model, header.name))
            return SN_OK;
        SN_TRY(sn_tensors_set(model, header.name, header.type, header.rank, header.shape, NULL));
        const sn_tensor *tensor = &model->items[model->count - 1];
        if (!receive_bytes(pipe, tensor->data, sn_tensor_count(tensor) * sn_type_size(tensor->type)))
            return SN_OK;
    }
    *whole = true;
    return SN_OK;
}

static sn_status receive(int pipe, bool *whole, sn_tensors *model)
{
    answer a;
    if (!receive_bytes(pipe, &a, sizeof a)) return SN_OK;
    a.message[sizeof a.message - 1] = '\0';
    if (a.status == SN_OK) return receive_tensors(pipe, a.count, whole, model);
    *whole = true;
    return sn_fail(a.status == SN_ERROR_MEMORY ? SN_ERROR_MEMORY : SN_ERROR_FILE, "%s", a.message);
}

static sn_status did_not_survive(const char *path, int end)
{
    return sn_fail(SN_ERROR_FILE, "%s: HDF5 %s did not survive reading it (%s): a damaged or forged file",
                   path, sn_hdf5_version(), WIFSIGNALED(end) ? strsignal(WTERMSIG(end)) : "it gave up");
}

sn_status sn_image_read_model_apart(const void *image, size_t size, const char *path, sn_tensors *model)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return sn_fail(SN_ERROR_FAILED, "%s: no pipe to read it through: %s", path, strerror(errno));
    const pid_t child = fork();
    if (child == 0) read_in_child(ends[1], image, size, path);
    const int fork_error = errno;
    close(ends[1]);
    bool whole = false;
    sn_status status = SN_OK;
    if (child < 0)
        status = sn_fail(SN_ERROR_FAILED, "%s: no process to read it in: %s", path, strerror(fork_error));
    else
        status = receive(ends[0], &whole, model);
    close(ends[0]);
    int end = 0;
    while (child > 0 && waitpid(child, &end, 0) < 0 && errno == EINTR)
        ;
    if (status == SN_OK && !whole) status = did_not_survive(path, end);
    if (status != SN_OK) sn_tensors_clear(model);
    return status;
}
