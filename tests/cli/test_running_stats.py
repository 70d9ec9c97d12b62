#!/usr/bin/env python3
"""Whose running statistics a run is evaluated with, where each worker has batch statistics of its own. Files are read by h5py."""

import csv

import h5py
import numpy

import harness

WORKERS = 3
OPTIONS = ("--norm", "bn", "--bn-scope", "worker", "--workers", str(WORKERS), "--shards", "sorted", "--batch", "24",
           "--epochs", "2", "--resume", "auto")


class RunningStatistics(harness.Test):
    def content(self, name):
        with h5py.File(self.path(name)) as file:
            found = {"accuracy": file["evaluation"].attrs["accuracy"], "scores": dict(file["evaluation"].attrs),
                     "model": {n: d[()] for n, d in file["model"].items()}, "digest": file["model"].attrs["digest"]}
            if "workers" in file["evaluation"]:
                found["each"] = file["evaluation/workers/accuracy"][()]
                found["losses"] = file["evaluation/workers/loss"][()]
            return found

    def run_train(self, name, *arguments, np=None, expect=0):
        return self.run_program("train", *OPTIONS, "--output", name, *arguments, np=np, expect=expect)[0]

    def test_weights_are_the_same_and_statistics_are_whose_they_are(self):
        for how in ("merged", "worker0", "all"):
            self.run_train(f"{how}.h5", "--running-stats", how)
        merged, worker0, every = (self.content(f"{how}.h5") for how in ("merged", "worker0", "all"))
        for name, value in merged["model"].items():
            same = (worker0["model"][name] == value).all()
            self.assertEqual(same, "running_" not in name, name)
        self.assertEqual(every["digest"], merged["digest"])
        self.assertEqual(every["accuracy"], merged["accuracy"])
        self.assertEqual(len(every["each"]), WORKERS)
        self.assertEqual(every["each"][0], worker0["accuracy"])
        self.assertEqual(every["losses"][0], worker0["scores"]["loss"])
        self.assertAlmostEqual(every["scores"]["workers_accuracy"], numpy.mean(every["each"]), places=9)
        self.assertAlmostEqual(every["scores"]["workers_loss"], numpy.mean(every["losses"]), places=9)
        self.assertEqual(every["scores"]["worst_worker_accuracy"], min(every["each"]))
        self.assertGreater(len(set(every["losses"])), 1)  # sorted shards: no two workers see the same
        self.assertNotIn("workers_accuracy", merged["scores"])

    def test_the_report_has_the_worst_worker(self):
        self.run_train("a.h5", "--running-stats", "all")
        self.run_program("report", "a.h5", "--output", "report")
        scores = self.content("a.h5")["scores"]
        with open(self.path("report/running-stats.csv"), newline="", encoding="utf-8") as file:
            row, = csv.DictReader(file)
        for column, score in (("merged", "accuracy"), ("a worker's, mean", "workers_accuracy"),
                              ("the worst worker's", "worst_worker_accuracy")):
            self.assertAlmostEqual(float(row[column]), scores[score], delta=0.0051)

    def test_the_answer_says_what_one_workers_cost(self):
        self.run_train("all.h5", "--running-stats", "all")
        self.run_train("worker0.h5", "--running-stats", "worker0")
        self.run_program("report", "all.h5", "worker0.h5", "--output", "report")
        scores = self.content("all.h5")["scores"]
        mean, worst = (max(0, scores["accuracy"] - scores[score]) for score in ("workers_accuracy", "worst_worker_accuracy"))
        with open(self.path("report/report.md"), encoding="utf-8") as file:
            self.assertIn(f"lose {mean:.2f} points in the mean over workers and seeds, "
                          f"{worst:.2f} with the worst worker of each run on these images.", file.read())
        self.run_train("other.h5", "--running-stats", "all", "--lr", "0.02")
        self.run_program("report", "all.h5", "other.h5", "--output", "report")
        with open(self.path("report/report.md"), encoding="utf-8") as file:
            self.assertIn(" with the worst worker of each run on these images, the most of 2 experiments.", file.read())

    def test_neither_ranks_nor_stops_change_a_bit(self):
        out = self.run_train("a.h5", "--running-stats", "all")
        self.assertRegex(out, r"(?m)^Test set, each worker's running statistics: Accuracy: \d+\.\d\d% on average, \d+\.\d\d% at worst$")
        self.run_train("b.h5", "--running-stats", "all", "--steps", "5", np=2)
        self.run_train("b.h5", "--running-stats", "all", np=3)
        one, other = self.content("a.h5"), self.content("b.h5")
        self.assertEqual(one["digest"], other["digest"])
        self.assertEqual(list(one["losses"]), list(other["losses"]))

    def test_with_synchronized_statistics_there_is_nobody_to_choose(self):
        listed = self.run_program("study", "--norm", "bn", "--workers", "2", "--bn-scope", "sync,worker",
                                  "--running-stats", "merged,worker0", "--list")[0]
        self.assertEqual([line.split("\t")[0] for line in listed.splitlines()],
                         ["bn-workers2-s1", "bn-workers2-scopeworker-s1", "bn-workers2-scopeworker-statsworker0-s1"])
        self.refuse("train", "--norm", "gn", "--running-stats", "all", says="--running-stats goes with --bn-scope worker")
        self.refuse("train", "--norm", "bn", "--workers", "2", "--running-stats", "all", says="--running-stats goes with --bn-scope worker")


if __name__ == "__main__":
    harness.main()
