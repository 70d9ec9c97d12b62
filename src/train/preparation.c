/* The run file to train into: its lock, its record, where the run stands. */

#include "preparation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "resume.h"
#include "saving.h"
#include "syncnorm/base/log.h"
#include "syncnorm/base/memory.h"

/* Goes on from the run file or starts afresh. Off the root nothing happens. */
static sn_status open_record(sn_session *s, const char *hosts, const char *isas, bool *finished)
{
    sn_recorder *r = &s->recorder;
    const sn_provenance provenance = {.command_line = s->execution->command_line,
                                      .chosen_from = s->execution->chosen_from,
                                      .hosts = hosts,
                                      .isa = isas,
                                      .ranks = sn_team_size(s->team)};
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
    sn_status status = sn_team_gather_names(s->team, sn_comm_host(), " ", &hosts);
    if (status == SN_OK) status = sn_team_gather_names(s->team, s->kernels->isa, " ", &isas);
    if (status == SN_OK && isas && strchr(isas, ' '))
        sn_log_note("the ranks compute with different instruction sets (%s): no bit depends on it, and the "
                    "slowest is waited for",
                    isas);
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
