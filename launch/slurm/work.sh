# Sourced by the scripts beside it, in which "program" is set.

most_starts=${SYNCNORM_MOST_STARTS:-50} # of a job, should its limit be too short for it ever to end
export OPENBLAS_NUM_THREADS=1

# requeue WHY: the job starts again, with the same number; ends this start.
requeue() {
    if [ $((${SLURM_RESTART_COUNT:-0} + 1)) -ge "$most_starts" ]; then
        echo "$1 Not requeued after $most_starts starts: is the time limit long enough for a step and a save? Submitted again, it goes on."
    elif scontrol requeue "$SLURM_JOB_ID"; then
        echo "$1 Requeued: goes on from there."
    else
        echo "$1 Not requeued. Submitted again, it goes on."
    fi
    exit 75
}

# work [SRUN OPTION...] PROGRAM ARGUMENT...: by all tasks of the job. Comes back when nothing of it is left to do: with 0, or 1 when it failed.
work() {
    local errors code
    errors=$(mktemp) || exit
    srun --kill-on-bad-exit=1 --mpi=pmix "$@" 2> >(tee -- "$errors" >&2)
    code=$?
    wait $! # for tee
    # srun may end with 0 when it could not start the tasks; and it kills those that have saved, but end a moment later than the first
    if grep -q 'aborted before step completely launched' "$errors"; then
        code=launch
    elif grep -q 'Exited with exit code 75' "$errors"; then
        code=75
    fi
    rm -f -- "$errors"
    case $code in
    0 | 1) return "$code" ;; # said by the program
    2) ;;
    75) requeue 'Stopped, with everything saved.' ;;
    launch) requeue 'Slurm could not start the tasks.' ;;
    *) echo "Ended with exit code $code (137, 253: a rank was killed, by somebody or for memory). Submitted again, it goes on from the last save." ;;
    esac
    exit "$code"
}
