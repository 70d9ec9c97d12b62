/* The run file to train into: its lock, its record, where the run stands. */

#include "preparation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "resume.h"
#include "saving.h"
#include "syncnorm/base/memory.h"

enum { NAME_SIZE = 256 }; /* as long as any MPI library's of a host */

/* What the ranks call something, each name once, in the order of the ranks; sn_free() it. NULL off the root. Collective. */
static sn_status gather_names(sn_team *team, const char *name, char **text)
{
    const size_t ranks = (size_t)sn_team_size(team);
    char mine[NAME_SIZE] = "", (*all)[NAME_SIZE] = NULL;
    const bool root = sn_team_is_root(team);
    *text = NULL;
    sn_status status = root ? SN_ALLOCATE(all, ranks, "the names") : SN_OK;
    if (status == SN_OK && root) status = SN_ALLOCATE(*text, ranks * NAME_SIZE, "the names");
    status = sn_team_agree(team, status);
    if (status == SN_OK) {
        snprintf(mine, sizeof mine, "%s", name);
        sn_team_gather(team, mine, sizeof mine, all);
    }
    size_t names = 0, used = 0; /* the first `names` of all are those seen */
    for (size_t r = 0; status == SN_OK && root && r < ranks; r++) {
        size_t q = 0;
        while (q < names && strcmp(all[q], all[r]) != 0)
            q++;
        if (q < names) continue;
        memmove(all[names++], all[r], NAME_SIZE);
        used += (size_t)snprintf(*text + used, ranks * NAME_SIZE - used, "%s%s", used ? " " : "",
                                 all[names - 1]);
    }
    sn_free(all);
    return status;
}

/* Goes on from the run file or starts afresh. Off the root nothing happens. */
static sn_status open_record(sn_session *s, const char *hosts, const char *isas, bool *finished)
{
    sn_recorder *r = &s->recorder;
    const sn_provenance provenance = {s->execution->command_line, hosts, isas, sn_team_size(s->team)};
    bool found;
    SN_TRY(sn_recorder_open(r, &s->experiment, s->model, &s->progress, &found));
    const bool complete = found && sn_resume_complete(&r->run);
    if (found && sn_session_past_length(s) && !complete)
        return sn_fail(SN_ERROR_FILE,
                       "%s: it is past the length asked for, at epoch %" PRIu32 ", step %" PRIu64
                       ", but not complete: ask for more --epochs or --steps, or choose another --output",
                       r->path, s->progress.epoch + 1, s->progress.step);
    *finished = complete && sn_session_at_length(s);
    if (*finished) return SN_OK;
    return sn_recorder_begin(r, &s->experiment, sn_dataset_name(s->dataset), &provenance, &s->progress,
                             found);
}

sn_status sn_prepare(sn_session *s, bool *finished)
{
    char *hosts, *isas = NULL;
    *finished = false;
    sn_status status = gather_names(s->team, sn_comm_host(), &hosts);
    if (status == SN_OK) status = gather_names(s->team, s->kernels->isa, &isas);
    if (status == SN_OK) status = sn_team_agree(s->team, sn_recorder_choose(&s->recorder, &s->experiment));
    if (status == SN_OK) status = sn_saving_lock(s);
    if (status == SN_OK) status = sn_team_agree(s->team, open_record(s, hosts, isas, finished));
    sn_free(hosts);
    sn_free(isas);
    SN_TRY(status);
    sn_team_broadcast(s->team, &s->progress, sizeof s->progress, 0);
    sn_team_broadcast(s->team, finished, sizeof *finished, 0);
    if (s->progress.step > 0) sn_session_share_model(s);
    sn_recorder_result(&s->recorder, false, &s->result);
    s->recorder.saved = sn_clock();
    return SN_OK;
}
