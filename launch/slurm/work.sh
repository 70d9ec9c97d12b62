# Sourced by the scripts beside it, in which "program" is set.

most_starts=${SYNCNORM_MOST_STARTS:-50} # of a job, should its limit be too short for it ever to end
export OPENBLAS_NUM_THREADS=1

# requeue WHY: the job starts again, with the same number; ends this start.
requeue() {
    if [ "${SLURM_RESTART_COUNT:-0}" -lt "$most_starts" ]; then
        echo "$1 Requeued: goes on from there."
        scontrol requeue "$SLURM_JOB_ID"
    else
        echo "$1 Not requeued after $most_starts starts: is the time limit long enough for a step and a save? Submitted again, it goes on."
    fi
    exit 75
}

# work [SRUN OPTION...] PROGRAM ARGUMENT...: by all tasks of the job. Comes back when all of it is done.
work() {
    local errors code
    errors=$(mktemp) || exit
    srun --kill-on-bad-exit=1 --mpi=pmix "$@" 2> >(tee -- "$errors" >&2)
    code=$?
    wait $! # for tee
    # with which srun may well end with 0
    if grep -q 'aborted before step completely launched' "$errors"; then code=launch; fi
    rm -f -- "$errors"
    case $code in
    0) return ;;
    1 | 2) ;; # said by the program
    75) requeue 'Stopped, with everything saved.' ;;
    launch) requeue 'Slurm could not start the tasks.' ;;
    *) echo "Ended with exit code $code (137: a rank was killed, by somebody or for memory). Submitted again, it goes on from the last save." ;;
    esac
    exit "$code"
}
