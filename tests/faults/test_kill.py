#!/usr/bin/env python3
"""SIGKILL at any moment, writes included: the run comes back to the bit on another number of ranks.

$KILLS (default 6): how many random moments. Victims take turns; with injection points, every other kill is inside a save.
"""

import os
import random
import signal
import time

import jobs

EPOCHS = 3
STEPS = EPOCHS * jobs.STEPS_PER_EPOCH
RANKS = (1, 2, 3, 5)
POINTS = ("save.begun", "save.created", "save.written", "save.synced", "save.linked", "save.kept", "save.renamed",
          "save.done", "step")
SAVING = POINTS[:-1]
VICTIMS = ("mpirun", "rank 0", "another rank")
KILLED = 128 + signal.SIGKILL


class Kill(jobs.Test):
    def survivors(self, name):
        """Both generations, where they are, are sound, whatever happened."""
        there = [n for n in (name, name + ".prev") if os.path.exists(self.path(n))]
        if there:
            self.verify(*there)
        return there

    def inside_a_save(self, job, ranks):
        """Waits until rank 0 stands still where it was told to, in the middle of a save. False when the job ends before."""
        return job.until(lambda: jobs.state(ranks[0]) == "T", "rank 0 to stop inside a save")

    def at_any_moment(self, job, name, target, delay):
        if not job.until(lambda: jobs.progress(self.path(name)) >= target, f"step {target}"):
            return False
        time.sleep(delay)  # into a step, an evaluation or a write: any moment must do
        return True

    def test_at_random_moments(self):
        rng = random.Random(20240229)
        kills, wanted = 0, int(os.environ.get("KILLS", "6"))
        struck, history = set(), []
        run = 0
        while kills < wanted:
            self.assertLess(run, wanted + 10, f"too many runs come to their end: {history}")
            experiment = ("gn", "bn-l1", "ln")[run % 3]
            name, run, before = f"{experiment}-{run}.h5", run + 1, None
            for _ in range(100):
                victim, saving = VICTIMS[kills % 3], jobs.FAULTS and kills % 2 == 0
                np = rng.choice([n for n in RANKS if n != before and (n > 1 or victim != "another rank")])
                before = np
                here = max(jobs.progress(self.path(name)), 0)
                last = kills == wanted or here == STEPS  # nothing is left to wait for: it is to end
                target = rng.randint(here, min(here + STEPS // 3, STEPS))
                delay, number = rng.random() * 0.02, rng.randrange(1, np) if np > 1 else 0
                plan = f"{rng.choice(SAVING)} stop {max(target - here, 1)} 0"  # a save each step, so about as far
                job = self.start("-q", "--experiment", experiment, "--epochs", EPOCHS, "--checkpoint-every", "1steps",
                                 "--output", name, np=np, **({"SYNCNORM_FAULT": plan} if saving and not last else {}))
                ranks = job.ranks()
                if not last and (self.inside_a_save(job, ranks) if saving else self.at_any_moment(job, name, target, delay)):
                    if victim == "mpirun":
                        job.signal(signal.SIGKILL)
                        jobs.strike(ranks[0], signal.SIGCONT)  # to go on, if it can, without its launcher
                    else:
                        jobs.strike(ranks[0 if victim == "rank 0" else number], signal.SIGKILL)
                code = job.wait_killed()
                history.append((name, np, target, victim, saving and plan, code))
                self.survivors(name)
                if code == 0:
                    break
                self.assertIn(code, (KILLED, -signal.SIGKILL), job.err())
                kills += 1
                struck.add((victim, saving))
            self.assert_same(self.path(name), jobs.reference("--experiment", experiment, "--epochs", EPOCHS))
            # the file of a lock stays; a temporary file takes space
            self.assertEqual([n for n in os.listdir(self.directory) if ".tmp-" in n], [], history)
        if wanted >= len(VICTIMS):
            self.assertEqual({victim for victim, _ in struck}, set(VICTIMS), history)
        if jobs.FAULTS and wanted >= 2 * len(VICTIMS):
            self.assertEqual({victim for victim, saving in struck if saving}, set(VICTIMS), history)

    @jobs.with_injection
    def test_at_each_stage_of_saving(self):
        reference = jobs.reference("--epochs", 2)
        arguments = ("-q", "--epochs", 2, "--checkpoint-every", "5steps", "--output")
        for i, point in enumerate(POINTS):
            for action in ("kill", "orphan") if jobs.THOROUGH else ("kill", "orphan")[i % 2:][:1]:
                name = f"{point}-{action}.h5"
                # with no file yet, and with two generations; a file is written in several pieces
                for passage in {"save.written": (1, 14), "step": (2, 17)}.get(point, (1, 3)):
                    job = self.start(*arguments, name, np=RANKS[i % 4], SYNCNORM_FAULT=f"{point} {action} {passage} 0")
                    job.ranks()
                    self.assertIn(job.wait_killed(), (KILLED, -signal.SIGKILL), job.err())
                    there = self.survivors(name)
                    if passage > 2:
                        self.assertIn(name, there)
                self.train(*arguments, name, np=RANKS[(i + 1) % 4])
                self.assert_same(self.path(name), reference)
        self.assert_no_leftovers()


if __name__ == "__main__":
    jobs.main()
