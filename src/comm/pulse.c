/* One communicator, and one thread on each rank that looks a hundred times a second at what its neighbours in the tree (overlay.h) tell.

   One-sided MPI would need no thread where it is a matter of hardware. Over TCP Open MPI 4.1 has MPI_Fetch_and_op answered by the
   target's next MPI call, which may be a whole run away, and between nodes without RDMA its MPI_Win_allocate fails outright. */

#include "syncnorm/comm/pulse.h"

#include <mpi.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "neighbour.h"
#include "overlay.h"
#include "team_internal.h"
#include "ticker.h"

enum { TAG_HOST = NEIGHBOUR_TAG + 1, LOOKS = 8 /* for signs of life, per timeout */ };

/* Seconds. A watchdog names what was waited for, so it has the first word; the parent has the second; the children have it when that
   did not end the job, one of them before the others. */
static const double PAUSE = 0.01, SIGN_PAUSE_MOST = 2, GRACE = 10, GRACE_OF_CHILD = 13, GRACE_OF_OTHERS = 16;

typedef enum kind {
    STOP, /* to everybody */
    TAKE, /* up: a number is wanted */
    GIVE, /* down: it is this one */
    NOTE, /* up, followed by the note */
    DONE, /* up: all of this branch rest; down: everybody does */
} kind;

struct sn_pulse {
    MPI_Comm comm;
    int rank, size;
    double timeout;
    size_t note_bytes, stride; /* of a note; of a word with its note */
    ticker ticker;
    _Atomic bool stops;

    pthread_mutex_t mutex; /* over all that follows */
    pthread_cond_t given;
    bool open;     /* signs of life are given and expected */
    double looked; /* clock, for them */
    neighbour *neighbours,
        *parent; /* children and then the parent (NULL on the world's root), which is one of them */
    int children, count;
    int64_t next, number; /* on the world's root; that this rank was given */
    bool wants;           /* one, and has not been given it */
    int done;             /* children all of whose branch rest */
    bool rests, all_rest; /* this rank; everybody */
    unsigned char *notes; /* [size], on the world's root */
    unsigned char heard[NEIGHBOUR_MESSAGE];
};

/* ---- what the words do ---- */

static void post(const sn_pulse *p, neighbour *to, word w, const void *note)
{
    neighbour_post(to, p->stride, w, note);
}

static void post_to_children(sn_pulse *p, word w, const neighbour *but)
{
    for (int i = 0; i < p->children; i++)
        if (&p->neighbours[i] != but) post(p, &p->neighbours[i], w, NULL);
}

static void spread_stop(sn_pulse *p, const neighbour *from)
{
    if (atomic_exchange(&p->stops, true)) return;
    post_to_children(p, (word){.kind = STOP}, from);
    if (p->parent && p->parent != from) post(p, p->parent, (word){.kind = STOP}, NULL);
}

/* To this rank, or towards one that wants a number: who it was that asked does not matter. */
static void give(sn_pulse *p, int64_t number)
{
    if (p->wants) {
        p->wants = false;
        p->number = number;
        pthread_cond_signal(&p->given);
        return;
    }
    for (int i = 0; i < p->children; i++)
        if (p->neighbours[i].owed > 0) {
            p->neighbours[i].owed--;
            post(p, &p->neighbours[i], (word){.kind = GIVE, .number = number}, NULL);
            return;
        }
}

static void ask(sn_pulse *p)
{
    if (p->parent)
        post(p, p->parent, (word){.kind = TAKE}, NULL);
    else
        give(p, p->next++);
}

static void pin(sn_pulse *p, int rank, const void *note)
{
    if (p->parent)
        post(p, p->parent, (word){.kind = NOTE, .rank = rank}, note);
    else
        memcpy(p->notes + (size_t)rank * p->note_bytes, note, p->note_bytes);
}

static void end_rest(sn_pulse *p)
{
    p->all_rest = true;
    post_to_children(p, (word){.kind = DONE}, NULL);
}

/* Each neighbour takes words in the order of telling: so what a branch told arrives before it is done. */
static void settle(sn_pulse *p)
{
    if (!p->rests || p->done < p->children) return;
    if (p->parent)
        post(p, p->parent, (word){.kind = DONE}, NULL);
    else
        end_rest(p);
}

static void obey(sn_pulse *p, neighbour *from, const unsigned char *told)
{
    word w;
    memcpy(&w, told, sizeof w);
    switch ((kind)w.kind) {
    case STOP:
        spread_stop(p, from);
        break;
    case TAKE:
        from->owed++;
        ask(p);
        break;
    case GIVE:
        give(p, w.number);
        break;
    case NOTE:
        pin(p, w.rank, told + sizeof w);
        break;
    case DONE:
        if (from == p->parent) {
            end_rest(p);
        } else {
            p->done++;
            settle(p);
        }
        break;
    }
}

/* ---- the thread ---- */

static void listen(sn_pulse *p)
{
    for (;;) {
        int there, bytes;
        MPI_Status status;
        MPI_Iprobe(MPI_ANY_SOURCE, NEIGHBOUR_TAG, p->comm, &there, &status);
        if (!there) return;
        neighbour *from = p->neighbours;
        while (from->rank != status.MPI_SOURCE)
            from++;
        MPI_Recv(p->heard, NEIGHBOUR_MESSAGE, MPI_BYTE, from->rank, NEIGHBOUR_TAG, p->comm, &status);
        MPI_Get_count(&status, MPI_BYTE, &bytes);
        from->alive = true;
        for (size_t at = 0; at < (size_t)bytes; at += p->stride)
            obey(p, from, p->heard + at);
    }
}

/* Every rank tells its parent at each of these looks that it lives, and sees by the taking of it that the parent does. */
static bool time_for_signs(sn_pulse *p)
{
    const double usual = p->timeout / LOOKS < SIGN_PAUSE_MOST ? p->timeout / LOOKS : SIGN_PAUSE_MOST;
    if (!p->open || p->timeout <= 0 || sn_clock() - p->looked < usual) return false;
    const double passed = ticker_passed(&p->looked, usual);
    for (int i = 0; i < p->count; i++) {
        neighbour *n = &p->neighbours[i];
        n->silence = n->alive ? 0 : n->silence + passed;
        n->alive = n == p->parent && n->sent == MPI_REQUEST_NULL; /* nothing to take is no silence */
        if (n->silence >= p->timeout + n->grace)
            sn_comm_give_up("rank %d on %s gave no sign of life for %.0f s (--timeout): it or the network is "
                            "lost: ending the job",
                            n->rank, n->host, p->timeout);
    }
    return true;
}

static void look(void *pulse)
{
    sn_pulse *p = pulse;
    pthread_mutex_lock(&p->mutex);
    listen(p);
    const bool signs = time_for_signs(p);
    for (int i = 0; i < p->count; i++)
        neighbour_tell(&p->neighbours[i], p->stride, p->comm, signs && &p->neighbours[i] == p->parent);
    pthread_mutex_unlock(&p->mutex);
    /* The next look tests the requests, the end waits for them.
       NOLINTNEXTLINE(clang-analyzer-optin.mpi.MPI-Checker) */
}

/* ---- beginning ---- */

/* Who the neighbours are. Collective over the world. */
static sn_status find_neighbours(sn_pulse *p, sn_team *world, sn_team *team)
{
    int root = p->rank, *root_of = calloc((size_t)p->size, sizeof *root_of);
    if (!root_of) sn_comm_out_of_memory();
    overlay place;
    sn_team_broadcast(team, &root, sizeof root, 0);
    sn_team_gather_all(world, &root, sizeof root, root_of);
    overlay_of(root_of, p->size, p->rank, &place);
    free(root_of);
    p->children = place.count;
    p->count = place.count + (place.parent >= 0);
    p->neighbours = calloc((size_t)p->count + 1, sizeof *p->neighbours);
    p->notes = calloc(p->rank == 0 ? (size_t)p->size : 1, p->note_bytes + 1);
    if (p->rank > 0 && p->neighbours) p->parent = &p->neighbours[p->children];
    for (int i = 0; i < p->count && p->neighbours; i++) {
        const bool child = i < p->children;
        p->neighbours[i] = (neighbour){.rank = child ? place.children[i] : place.parent,
                                       .sent = MPI_REQUEST_NULL,
                                       .grace = child                          ? GRACE
                                                : place.first_child == p->rank ? GRACE_OF_CHILD
                                                                               : GRACE_OF_OTHERS};
    }
    return p->neighbours && p->notes ? SN_OK : sn_fail(SN_ERROR_MEMORY, "out of memory: the pulse");
}

/* For the message when one is lost. Children come first on every rank, so nobody waits in a circle. Collective over the world. */
static void exchange_hosts(sn_pulse *p)
{
    char mine[NEIGHBOUR_HOST];
    snprintf(mine, sizeof mine, "%s", sn_comm_host());
    for (neighbour *n = p->neighbours; n < p->neighbours + p->count; n++)
        MPI_Sendrecv(mine, NEIGHBOUR_HOST, MPI_BYTE, n->rank, TAG_HOST, n->host, NEIGHBOUR_HOST, MPI_BYTE,
                     n->rank, TAG_HOST, p->comm, MPI_STATUS_IGNORE);
}

static sn_status start_thread(sn_pulse *p)
{
    int provided;
    MPI_Query_thread(&provided);
    if (provided < MPI_THREAD_MULTIPLE)
        return sn_fail(
            SN_ERROR_FAILED,
            "this MPI library does not support threads (MPI_THREAD_MULTIPLE), which several teams side "
            "by side need");
    const int code = ticker_start(&p->ticker, PAUSE, look, p);
    if (code) return sn_fail(SN_ERROR_FAILED, "cannot start the thread of the pulse: %s", strerror(code));
    return SN_OK;
}

static void release(sn_pulse *p)
{
    for (int i = 0; i < p->count && p->neighbours; i++)
        free(p->neighbours[i].words);
    free(p->neighbours);
    free(p->notes);
    pthread_cond_destroy(&p->given);
    pthread_mutex_destroy(&p->mutex);
    MPI_Comm_free(&p->comm);
    free(p);
}

sn_status sn_pulse_start(sn_team *world, sn_team *team, double timeout, size_t note_bytes, sn_pulse **pulse)
{
    *pulse = NULL;
    sn_pulse *p = calloc(1, sizeof *p);
    if (!p) sn_comm_out_of_memory();
    MPI_Comm_dup(world->comm, &p->comm);
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->given, NULL);
    p->rank = world->rank;
    p->size = world->size;
    p->timeout = timeout;
    p->note_bytes = note_bytes;
    p->stride = sizeof(word) + note_bytes;
    sn_status status = sn_team_agree(world, find_neighbours(p, world, team));
    if (status == SN_OK && p->size > 1) {
        exchange_hosts(p);
        status = start_thread(p);
        const sn_status agreed = sn_team_agree(world, status);
        if (agreed != SN_OK && status == SN_OK) ticker_stop(&p->ticker);
        status = agreed;
    }
    if (status != SN_OK) {
        release(p);
        return status;
    }
    pthread_mutex_lock(&p->mutex);
    p->looked = sn_clock();
    p->open = true;
    pthread_mutex_unlock(&p->mutex);
    *pulse = p;
    return SN_OK;
}

/* ---- what the rank itself does ---- */

/* What was told is sent at once. */
static void unlock(sn_pulse *p)
{
    pthread_mutex_unlock(&p->mutex);
    if (p->size > 1) ticker_wake(&p->ticker);
}

void sn_pulse_stop(sn_pulse *pulse)
{
    pthread_mutex_lock(&pulse->mutex);
    spread_stop(pulse, NULL);
    unlock(pulse);
}

bool sn_pulse_stops(const sn_pulse *pulse)
{
    return pulse->stops;
}

int64_t sn_pulse_take(sn_pulse *pulse)
{
    pthread_mutex_lock(&pulse->mutex);
    pulse->wants = true;
    ask(pulse);
    if (pulse->wants) ticker_wake(&pulse->ticker);
    while (pulse->wants)
        pthread_cond_wait(&pulse->given, &pulse->mutex);
    const int64_t number = pulse->number;
    unlock(pulse);
    return number;
}

void sn_pulse_note(sn_pulse *pulse, const void *note)
{
    pthread_mutex_lock(&pulse->mutex);
    pin(pulse, pulse->rank, note);
    pthread_mutex_unlock(&pulse->mutex);
}

void sn_pulse_read(sn_pulse *pulse, int rank, void *note)
{
    pthread_mutex_lock(&pulse->mutex);
    memcpy(note, pulse->notes + (size_t)rank * pulse->note_bytes, pulse->note_bytes);
    pthread_mutex_unlock(&pulse->mutex);
}

static void sleep_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

void sn_pulse_rest(sn_pulse *pulse, void (*meanwhile)(void *context), void *context)
{
    pthread_mutex_lock(&pulse->mutex);
    if (!pulse->rests) {
        pulse->rests = true;
        settle(pulse);
    }
    while (!pulse->all_rest) {
        unlock(pulse);
        if (meanwhile) meanwhile(context);
        sleep_a_little();
        pthread_mutex_lock(&pulse->mutex);
    }
    pthread_mutex_unlock(&pulse->mutex);
}

static bool idle(sn_pulse *p)
{
    bool busy = false;
    pthread_mutex_lock(&p->mutex);
    p->open = false;
    for (int i = 0; i < p->count; i++)
        busy |= p->neighbours[i].count > 0 || p->neighbours[i].sent != MPI_REQUEST_NULL;
    pthread_mutex_unlock(&p->mutex);
    return !busy;
}

/* After the rest nobody tells anything new, and once all are here with all that they sent taken, nothing is under way any more. */
void sn_pulse_end(sn_pulse *pulse)
{
    if (!pulse) return;
    sn_pulse_rest(pulse, NULL, NULL);
    while (!idle(pulse))
        sleep_a_little();
    MPI_Request all_here;
    int done = 0;
    MPI_Ibarrier(pulse->comm, &all_here);
    for (MPI_Test(&all_here, &done, MPI_STATUS_IGNORE); !done; MPI_Test(&all_here, &done, MPI_STATUS_IGNORE))
        sleep_a_little();
    if (pulse->size > 1) ticker_stop(&pulse->ticker);
    release(pulse);
}
