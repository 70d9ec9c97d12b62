#!/usr/bin/env python3
"""From a study's command line to the report: what training writes has the names and units that the report reads, and the report says
what is in the files. Everything is computed again from the run files by h5py; the study is made once, on teams of two ranks."""

import csv
import glob
import os
import subprocess
import sys
import tempfile
import unittest

import h5py
import numpy

import harness

TRAIN, TEST, BATCH, EPOCHS, SEEDS, NORMS = 200, 100, 64, 2, 2, 9
STEPS_PER_EPOCH = 4  # the last of 8 images
TARGET = 10  # percent: some of these runs come to it, in one epoch or two
GN, SYNC, WORKER = "gn-workers2", "bn-workers2-precise", "bn-workers2-scopeworker-precise"
LAYERS = range(1, NORMS + 1)

COLUMNS = {
    "epoch": "", "train_loss": "nats", "train_cross_entropy": "nats", "last_batch_loss": "nats", "train_accuracy": "%",
    "test_loss": "nats", "test_accuracy": "%", "seconds": "s", "images_per_second": "images/s", "learning_rate": "",
    "gradient_norm": "",
    **{f"{part}_seconds_{of}": "s" for part in ("compute", "statistics", "gradient", "wait") for of in ("min", "mean", "max")},
    **{f"{part}_{what}": units for part in ("statistics", "gradient")
       for what, units in (("calls", ""), ("bytes", "bytes"), ("bytes_float32", "bytes"))}}
OF_BATCH_NORM = {f"norm{k}.{what}": units for k in LAYERS for what, units in (
    ("between_share", ""), ("between_share_corrected", ""), ("running_mean_gap", "standard deviations"), ("running_var_gap", ""))}


class Run:
    """What h5py finds in a run file."""

    def __init__(self, path):
        with h5py.File(path, "r") as file:
            self.columns = {name: column[()] for name, column in file["metrics/epoch"].items()}
            self.units = {name: column.attrs.get("units", "") for name, column in file["metrics/epoch"].items()}
            self.experiment = dict(file["experiment"].attrs)
            self.evaluation = dict(file["evaluation"].attrs)
            self.digest = file["model"].attrs["digest"]
            self.labels, self.predictions = file["evaluation/labels"][()], file["evaluation/predictions"][()]
            self.probabilities = file["evaluation/probabilities"][()]
            self.running = self.statistics(file["model"], "running_mean", "running_var")
            self.precise = self.statistics(file["evaluation"].get("precise"), "mean", "var")

    @staticmethod
    def statistics(group, mean, var):
        """[(means, variances)] of the norms; None without."""
        if group is None or f"norm1.{mean}" not in group:
            return None
        return [tuple(group[f"norm{k}.{what}"][()].astype(float) for what in (mean, var)) for k in LAYERS]

    def precise_gap(self, layer):
        (mean, var), (true_mean, true_var) = self.running[layer - 1], self.precise[layer - 1]
        return (numpy.sqrt(numpy.mean((mean - true_mean) ** 2 / (true_var + 1e-5))),
                numpy.sqrt(numpy.mean(((var + 1e-5) / (true_var + 1e-5) - 1) ** 2)))


class Pipeline(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.output = os.path.join(scratch.name, "report")
        cls.program(scratch.name, "study", "-q", "--data", harness.dataset(TRAIN, TEST), "--output", "runs", "--norm", "gn,bn",
                    "--workers", "2", "--bn-scope", "sync,worker", "--precise-bn", "--seed", f"1-{SEEDS}", "--epochs", EPOCHS,
                    "--ranks-per-run", "2", np=2)
        paths = sorted(glob.glob(os.path.join(scratch.name, "runs", "*.h5")))
        cls.program(scratch.name, "report", "--output", cls.output, *paths)
        cls.program(scratch.name, "report", "--target", str(TARGET), "--output", cls.output + "-target", *paths)
        cls.program(scratch.name, "report", "--last", "2", "--output", cls.output + "-last", *paths)
        cls.paths = paths
        cls.runs = {os.path.basename(path)[:-3]: Run(path) for path in paths}

    @staticmethod
    def program(directory, *arguments, np=None):
        done = subprocess.run(harness.command(arguments, np), cwd=directory, capture_output=True, text=True, check=False,
                              timeout=harness.TIMEOUT)
        if done.returncode != 0:
            raise AssertionError(f"{arguments}: exit {done.returncode}\n{done.stdout}{done.stderr}")

    def groups(self, *names):
        """Runs of each experiment, by seed."""
        return {name: [self.runs[f"{name}-s{seed}"] for seed in range(1, SEEDS + 1)] for name in names or (GN, SYNC, WORKER)}

    def table(self, name, of=""):
        """[{column: cell}]; a second column of a name is NAME 2, and so on."""
        with open(os.path.join(self.output + of, f"{name}.csv"), newline="", encoding="utf-8") as file:
            heading, *rows = csv.reader(file)
        names = [h if heading[:i].count(h) == 0 else f"{h} {heading[:i].count(h) + 1}" for i, h in enumerate(heading)]
        self.assertTrue(all(len(row) == len(names) for row in rows), rows)
        return [dict(zip(names, row)) for row in rows]

    def rows(self, name, *experiments):
        """(cells, runs) of each experiment's one row."""
        rows = self.table(name)
        self.assertCountEqual([row["experiment"] for row in rows], experiments)
        groups = self.groups()
        return [(row, groups[row["experiment"]]) for row in rows]

    def figure(self, name):
        """{series: values} of a figure's data, x the first."""
        with open(os.path.join(self.output, "figures", f"{name}.tsv"), newline="", encoding="utf-8") as file:
            heading, *rows = csv.reader(file, delimiter="\t")
        return {name: numpy.array([float(row[i]) for row in rows]) for i, name in enumerate(heading)}

    def assert_cell(self, cell, values, digits, what=None):
        """The cell is the mean of the values with so many digits behind the point, whatever follows it."""
        self.assertEqual(len(cell.split(" ")[0].partition(".")[2]), digits, (what, cell))
        self.assertAlmostEqual(float(cell.split(" ")[0]), float(numpy.mean(values)), delta=0.5001 * 10 ** -digits, msg=what)

    def test_the_study_is_these_runs(self):
        self.assertEqual(sorted(self.runs), sorted(f"{name}-s{seed}" for name in (GN, SYNC, WORKER)
                                                   for seed in range(1, SEEDS + 1)))
        self.assertEqual(len({run.digest for run in self.runs.values()}), len(self.runs))

    def test_probabilities_and_their_calibration(self):
        for row, runs in self.rows("calibration", GN, SYNC, WORKER):
            errors, losses, excess = [], [], []
            for run in runs:
                self.assertEqual(run.probabilities.shape, (TEST, 10))
                self.assertEqual(run.probabilities.dtype, numpy.float32)
                self.assertTrue((run.probabilities.argmax(axis=1) == run.predictions).all())
                probabilities = run.probabilities.astype(float)
                self.assertLess(abs(probabilities.sum(axis=1) - 1).max(), 1e-6)
                losses.append(-numpy.log(probabilities[numpy.arange(TEST), run.labels]).mean())
                self.assertAlmostEqual(losses[-1], run.evaluation["loss"], places=5)
                confidence, right = probabilities.max(axis=1), run.predictions == run.labels
                bins = numpy.argsort(confidence, kind="stable")
                cuts = [b * TEST // 15 for b in range(16)]
                parts = [bins[i:j] for i, j in zip(cuts, cuts[1:])]
                errors.append(100 * sum(len(p) / TEST * abs(right[p].mean() - confidence[p].mean()) for p in parts))
                excess.append(100 * (confidence.mean() - right.mean()))
            self.assert_cell(row["negative log-likelihood (nats)"], losses, 4)
            self.assert_cell(row["expected calibration error (points)"], errors, 3)
            self.assert_cell(row["confidence − accuracy (points)"], excess, 3)
            self.assertEqual(row["seeds"], str(SEEDS))
        figure = self.figure("reliability")
        right = numpy.mean([(r.predictions == r.labels)[numpy.argsort(r.probabilities.max(axis=1), kind="stable")[:TEST // 15]].mean()
                            for r in self.groups()[GN]])
        low = numpy.mean([numpy.sort(r.probabilities.max(axis=1))[:TEST // 15].astype(float).mean() for r in self.groups()[GN]])
        self.assertAlmostEqual(figure[GN][0], 100 * (right - low), places=3)

    def test_the_long_table_has_every_value(self):
        told = {(row["run"], int(row["epoch"]), row["metric"]): float(row["value"]) for row in self.table("epochs")}
        known = {(name, int(run.columns["epoch"][i]), column): float(value) for name, run in self.runs.items()
                 for column, values in run.columns.items() for i, value in enumerate(values) if column != "epoch" and not numpy.isnan(value)}
        self.assertEqual(set(told), set(known))
        for key, value in known.items():
            self.assertAlmostEqual(told[key], value, delta=1e-14 * abs(value), msg=key)

    def test_columns_have_their_names_units_and_equal_lengths(self):
        for name, run in self.runs.items():
            expected = {**COLUMNS, **(OF_BATCH_NORM if name.startswith("bn") else {})}
            self.assertEqual({column: run.units.get(column) for column in expected}, expected, name)
            for column, values in run.columns.items():
                self.assertEqual((name, column, values.shape), (name, column, (EPOCHS,)))
                self.assertTrue(numpy.isfinite(values).all(), (name, column, values))
            if name.startswith("gn"):
                self.assertEqual([column for column in run.columns if column in OF_BATCH_NORM], [])

    def test_columns_agree_with_each_other(self):
        for name, run in self.runs.items():
            c = run.columns
            self.assertEqual(list(c["epoch"]), list(range(1, EPOCHS + 1)))
            self.assertEqual(list(c["train_loss"]), list(c["train_cross_entropy"]), name)  # no penalty
            self.assertEqual(list(c["learning_rate"]), [0.01] * EPOCHS)
            self.assertTrue((c["gradient_norm"] > 0).all())
            numpy.testing.assert_allclose(c["images_per_second"], TRAIN / c["seconds"], rtol=1e-9)
            for part in ("compute", "statistics", "gradient", "wait"):
                low, mean, high = (c[f"{part}_seconds_{of}"] for of in ("min", "mean", "max"))
                self.assertTrue(((0 <= low) & (low <= mean) & (mean <= high)).all(), (name, part))
            self.assertEqual(list(c["gradient_calls"]), [STEPS_PER_EPOCH] * EPOCHS)
            self.assertEqual(list(c["gradient_bytes_float32"]), [4 * 10224 * STEPS_PER_EPOCH] * EPOCHS)
            self.assertTrue((c["gradient_bytes"] > c["gradient_bytes_float32"]).all())
            if name.startswith("bn"):
                for k in LAYERS:
                    self.assertTrue(((0 < c[f"norm{k}.between_share"]) & (c[f"norm{k}.between_share"] < 1)).all(), (name, k))
                    self.assertTrue((c[f"norm{k}.running_mean_gap"] > 0).all() and (c[f"norm{k}.running_var_gap"] > 0).all())

    def test_only_statistics_that_cross_workers_are_counted(self):
        # one message per norm and direction
        calls = 2 * NORMS * STEPS_PER_EPOCH
        for name, runs in self.groups().items():
            for run in runs:
                self.assertEqual(list(run.columns["statistics_calls"]), [calls if name == SYNC else 0] * EPOCHS, name)
                self.assertTrue(((run.columns["statistics_bytes"] > 0) == (name == SYNC)).all(), name)

    def test_evaluation_is_that_of_the_predictions(self):
        for name, run in self.runs.items():
            self.assertEqual(len(run.labels), TEST)
            accuracy = 100 * numpy.mean(run.labels == run.predictions)
            self.assertAlmostEqual(run.evaluation["accuracy"], accuracy, places=9, msg=name)
            self.assertEqual(run.columns["test_accuracy"][-1], run.evaluation["accuracy"])
            self.assertEqual(run.columns["test_loss"][-1], run.evaluation["loss"])

    def test_precise_statistics_belong_to_batch_norm(self):
        ways = ("precise_loss", "precise_accuracy", "batch_loss", "batch_accuracy", "train_loss", "train_accuracy")
        for name, run in self.runs.items():
            self.assertEqual(run.precise is None, name.startswith("gn"), name)
            correct = run.evaluation["train_accuracy"] / 100 * TRAIN  # of every run
            self.assertAlmostEqual(correct, round(correct), places=6, msg=name)
            if run.precise is None:
                continue
            self.assertEqual([way for way in ways if way not in run.evaluation], [], name)
            for mean, var in run.precise:
                self.assertTrue(numpy.isfinite(mean).all() and (var > 0).all(), name)
            for way, images in (("precise", TEST), ("batch", TEST), ("train", TRAIN)):
                correct = run.evaluation[f"{way}_accuracy"] / 100 * images
                self.assertAlmostEqual(correct, round(correct), places=6, msg=(name, way))
            # after so few steps the running statistics have hardly left where they began
            self.assertGreater(abs(run.evaluation["precise_loss"] - run.evaluation["loss"]), 1e-3, name)
            self.assertLess(abs(run.evaluation["precise_loss"] - run.evaluation["batch_loss"]), 0.1, name)

    def test_the_comparison_is_the_files(self):
        for row, runs in self.rows("comparison", GN, SYNC, WORKER):
            self.assertEqual((row["seeds"], row["epochs"]), (str(SEEDS), str(EPOCHS)))
            for heading, column, digits in (("test accuracy (%)", "test_accuracy", 2), ("test loss (nats)", "test_loss", 4),
                                            ("training accuracy (%)", "train_accuracy", 2),
                                            ("training loss (nats)", "train_cross_entropy", 4)):
                values = [run.columns[column][-1] for run in runs]
                self.assert_cell(row[heading], values, digits, heading)
                # two seeds: half of the interval is t(0.975; 1) times half of their distance
                self.assertAlmostEqual(float(row[heading + " ± 95 % interval"]), 12.7062047 * abs(values[0] - values[1]) / 2,
                                       delta=0.51 * 10 ** -digits, msg=heading)

    def test_the_differences_are_the_files(self):
        rows, groups = self.table("differences"), self.groups()
        baseline = ({GN, SYNC, WORKER} - {row["experiment"] for row in rows}).pop()
        self.assertEqual(len(rows), 2)
        for row in rows:
            self.assertEqual(row["pairs"], str(SEEDS))
            self.assert_cell(row["difference (points)"], [
                one.columns["test_accuracy"][-1] - other.columns["test_accuracy"][-1]
                for one, other in zip(groups[row["experiment"]], groups[baseline])], 3, row)

    def test_the_target_is_the_files(self):
        groups = self.groups()
        for row in self.table("target", "-target"):
            first = []
            for run in groups[row["experiment"]]:
                there = numpy.flatnonzero(run.columns["test_accuracy"] >= TARGET)
                first.append(there[0] + 1 if len(there) else numpy.inf)
            reached = sum(numpy.isfinite(first))
            self.assertEqual([row["runs"], row["runs that reach it"], row["never"]],
                             [str(n) for n in (SEEDS, reached, SEEDS - reached)], row)
            median = numpy.median(first)
            if numpy.isfinite(median):
                self.assertEqual([float(row[c]) for c in ("epochs", "steps", "samples")],
                                 [median, round(median * STEPS_PER_EPOCH), median * TRAIN], row)
            else:
                self.assertEqual([row[c] for c in ("epochs", "steps", "samples")], ["", "", ""], row)

    def test_the_mean_of_the_last_epochs_is_the_files(self):
        rows, groups = self.table("answer", "-last"), self.groups()
        self.assertEqual(len(rows), 3)
        for row in rows:
            self.assert_cell(row["difference (points)"], [
                one.columns["test_accuracy"][-2:].mean() - other.columns["test_accuracy"][-2:].mean()
                for one, other in zip(groups[row["second"]], groups[row["first"]])], 3, row)
        with open(os.path.join(self.output + "-last", "report.md"), encoding="utf-8") as file:
            self.assertIn("by their mean test accuracy of the last 2 epochs.", file.read())
        done = subprocess.run(harness.command(("report", "--last", "3", "--output", self.output + "-no", *self.paths)),
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"--last 3: \S+\.h5 has 2 epochs")

    def test_the_evaluations_are_the_files(self):
        ways = (("running", ""), ("precise", "precise_"), ("batch", "batch_"), ("training set", "train_"))
        for row, runs in self.rows("evaluations", GN, SYNC, WORKER):
            for heading, way in ways:
                loss = row[f"{heading} loss"]
                if f"{way}loss" not in runs[0].evaluation:
                    self.assertRegex(row[f"{heading} (%)"] + loss, r"\A\W*\Z")
                    continue
                self.assert_cell(row[f"{heading} (%)"], [run.evaluation[f"{way}accuracy"] for run in runs], 2, heading)
                self.assert_cell(loss, [run.evaluation[f"{way}loss"] for run in runs], 4, heading)

    def test_the_cost_is_the_files(self):
        for row, runs in self.rows("cost", GN, SYNC, WORKER):
            self.assertEqual(row["ranks"], "2")

            def per_step(column, runs=runs):
                return sum(run.columns[column].sum() for run in runs) / (SEEDS * EPOCHS * STEPS_PER_EPOCH)

            for heading, column in (("step", "seconds"), ("computation", "compute_seconds_mean"),
                                    ("statistics", "statistics_seconds_mean"), ("gradient", "gradient_seconds_mean"),
                                    ("of these waiting", "wait_seconds_mean")):
                self.assert_cell(row[f"{heading} (ms)"], 1000 * per_step(column), 3, heading)
            for part in ("statistics", "gradient"):
                self.assert_cell(row[f"{part} calls"], per_step(f"{part}_calls"), 1)
                self.assert_cell(row[f"{part} bytes"], per_step(f"{part}_bytes"), 0)
                self.assert_cell(row[f"{part} bytes as float32"], per_step(f"{part}_bytes_float32"), 0)

    def test_the_table_of_runs_has_their_digests(self):
        rows = self.table("runs")
        self.assertEqual({row["run"]: row["digest of the weights"] for row in rows},
                         {name: run.digest for name, run in self.runs.items()})
        self.assertEqual({row["run"]: row["digest of the experiment"] for row in rows},
                         {name: run.experiment["digest"] for name, run in self.runs.items()})

    def test_curves_are_the_columns(self):
        for figure, column in (("train-loss", "train_cross_entropy"), ("test-loss", "test_loss"),
                               ("train-accuracy", "train_accuracy"), ("test-accuracy", "test_accuracy"),
                               ("gradient-norm", "gradient_norm")):
            drawn = self.figure(figure)
            for name, runs in self.groups().items():
                values = numpy.array([run.columns[column] for run in runs])
                half = 12.706204736432095 * values.std(0, ddof=1) / SEEDS**0.5  # Student's t on one degree of freedom
                for series, expected in ((name, values.mean(0)), (f"{name} low", values.mean(0) - half),
                                         (f"{name} high", values.mean(0) + half)):
                    numpy.testing.assert_allclose(drawn[series], expected, rtol=1e-8, err_msg=f"{figure} {series}")

    def test_figures_by_layer_are_the_columns_and_the_precise_statistics(self):
        measures = {figure: lambda run, k, what=what: run.columns[f"norm{k}.{what}"][-1] for figure, what in (
            ("disagreement-by-layer", "between_share"), ("disagreement-beyond-chance", "between_share_corrected"), ("running-mean-gap", "running_mean_gap"),
            ("running-var-gap", "running_var_gap"))}
        measures["precise-mean-gap"] = lambda run, k: run.precise_gap(k)[0]
        measures["precise-var-gap"] = lambda run, k: run.precise_gap(k)[1]
        for figure, measure in measures.items():
            drawn = self.figure(figure)
            self.assertEqual(sorted(drawn), sorted(["norm layer", SYNC, WORKER]), figure)
            for name, runs in self.groups(SYNC, WORKER).items():
                expected = [numpy.mean([measure(run, k) for run in runs]) for k in LAYERS]
                numpy.testing.assert_allclose(drawn[name], expected, rtol=1e-8, err_msg=f"{figure} {name}")

    def test_the_error_by_scope_is_the_files(self):
        drawn = self.figure("error-by-scope")
        self.assertEqual(list(drawn["samples per statistics group"]), [BATCH / 2, BATCH])
        groups = self.groups()
        expected = [100 - numpy.mean([run.columns["test_accuracy"][-1] for run in groups[name]]) for name in (WORKER, SYNC)]
        numpy.testing.assert_allclose(drawn[SYNC], expected, rtol=1e-8)


if __name__ == "__main__":
    sys.exit(harness.main())
