#!/usr/bin/env python3
"""The price of runs on other machines: figures of the report against the model computed anew, and what bench measures is read again."""

import csv
import json
import math
import os

import harness

SHARES = {1: 0.001, 16: 0.004, 64: 0.016}
LATENCY, BANDWIDTH, WORDS = 1e-4, 1e8, 10278  # words of a step's message: 82,224 bytes


def machine(**changes):
    steps = [{"samples": samples, "step_seconds": {"median": seconds}} for samples, seconds in SHARES.items()]
    return {"machine": "elsewhere", "origin": "stated", "note": "somewhere", "ranks_per_node": 1, "spread": 0,
            "network": {"latency_seconds": LATENCY, "bytes_per_second": BANDWIDTH}, "shares": {"gn": steps, "ln": steps}, **changes}


def gn_step(ranks):
    """Of 64 samples."""
    share = 64 // ranks
    rounds = math.log(ranks, 4)  # of four each; scattered and gathered
    return SHARES[share] + 2 * rounds * LATENCY + (2 - 2 / ranks) * 8 * WORDS / BANDWIDTH


class Price(harness.Test):
    def write(self, name, content):
        with open(self.path(name), "w", encoding="utf-8") as file:
            json.dump(content, file)
        return name

    def rows(self, name):
        with open(self.path(name), encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def test_the_report_is_priced(self):
        self.run_program("study", "-q", "--norm", "gn", "--epochs", 3)
        self.write("m.json", machine())
        self.run_program("report", "runs/gn-s1.h5", "--output", "report", "--machine", "m.json", "--target", "0.1")
        steps = {int(row["ranks"]): row for row in self.rows("report/price-steps.csv")}
        for ranks in (1, 4, 64):
            self.assertAlmostEqual(float(steps[ranks]["gn"]), 1000 * gn_step(ranks), 3)
            self.assertAlmostEqual(float(steps[ranks]["gn, 64 a rank"]), 1000 * (gn_step(ranks) - SHARES[64 // ranks] + SHARES[64]), 3)
        self.assertEqual(steps[4]["bn, synchronized"], "")  # of which the file knows nothing
        (described,) = self.rows("report/price-machines.csv")
        self.assertEqual((described["between nodes (µs)"], described["GB/s of a node"], described["from"]), ("100.00", "0.10", "somewhere"))
        (target,) = self.rows("report/price-target.csv")
        self.assertEqual(target["epochs"], "1")
        self.assertAlmostEqual(float(target["64 ranks"]), 4 * gn_step(64), 2)  # an epoch of four steps
        with open(self.path("report/report.md"), encoding="utf-8") as file:
            self.assertIn("elsewhere (stated, not measured): first at 0.10 % are gn on 1 to 4096 ranks", file.read())
        self.run_program("report", "runs/gn-s1.h5", "--output", "report")
        self.assertFalse(os.path.exists(self.path("report/price-steps.csv")))

    def test_near_ties_are_named_and_what_none_reaches_is_said(self):
        self.run_program("study", "-q", "--norm", "gn", "--seed", "1", "--conv", "direct,gemm", "--epochs", 1)
        runs = sorted(name for name in os.listdir(self.path("runs")) if name.endswith(".h5"))
        self.assertEqual(len(runs), 2)
        self.write("m.json", machine())  # to which both are one
        arguments = ["report", *(f"runs/{name}" for name in runs), "--output", "report", "--machine", "m.json"]
        self.run_program(*arguments, "--target", "0.1")
        with open(self.path("report/report.md"), encoding="utf-8") as file:
            self.assertRegex(file.read(), r"first at 0\.10 % are gn or gn\S* on 1 to 4096 ranks")
        self.run_program(*arguments, "--target", "99.99")
        with open(self.path("report/report.md"), encoding="utf-8") as file:
            self.assertIn("No experiment here reaches 99.99 %", file.read())
        self.assertFalse(os.path.exists(self.path("report/price-target.csv")))

    def test_machines_have_one_scale(self):
        self.run_program("train", "-q", "--epochs", 1, "--output", "runs/gn-s1.h5")
        fast = {"latency_seconds": 1e-6, "bytes_per_second": 1e10}
        self.write("slow.json", machine())
        self.write("fast.json", machine(network=fast, machine="fast"))
        self.run_program("report", "runs/gn-s1.h5", "--output", "report", "--machine", "slow.json,fast.json", "--target", "0.1")
        for kind in ("strong", "weak", "target"):
            scales = []
            for index in (1, 2):
                with open(self.path(f"report/figures/price-{kind}-{index}.gp"), encoding="utf-8") as file:
                    scales += [line for line in file if line.startswith("set yrange")]
            self.assertEqual(scales, [scales[0]] * 2, kind)

    def test_steps_beyond_the_last_epoch_are_no_epoch(self):
        self.write("m.json", machine(shares={"gn": [{"samples": 8, "step_seconds": {"median": 0.002}}]}))
        for steps in (2, 6):  # of four an epoch
            self.run_program("train", "-q", "--steps", steps, "--output", f"{steps}.h5")
            self.run_program("report", f"{steps}.h5", "--output", "report", "--machine", "m.json", "--target", "0.1")
            (target,) = self.rows("report/price-target.csv")
            self.assertEqual(target["steps"], str(min(steps, 4)))
        with open(self.path("report/report.md"), encoding="utf-8") as file:
            self.assertIn("the step of gn for one share alone, of 8 samples", file.read())

    def test_a_plan_is_priced(self):
        self.write("m.json", machine())
        epochs = 30000
        out, _ = self.run_program("study", "--norm", "gn", "--epochs", epochs, "--dry-run", "--ranks", 64, "--rate", "m.json")
        self.assertIn("on elsewhere (stated, not measured)", out)
        hours, minutes, seconds = map(int, out.split("In all about ")[1].split(",")[0].split(":"))
        # four steps an epoch, the last of 8 samples, whose share is 1 too; and an evaluation: two of 100 images on a rank
        evaluation = (SHARES[1] + (SHARES[16] - SHARES[1]) / 15) / 3
        self.assertAlmostEqual(3600 * hours + 60 * minutes + seconds, epochs * (4 * gn_step(64) + evaluation), delta=2)

    def test_what_bench_measures_is_a_machine(self):
        self.run_program("bench", "--repetitions", 1, "--json", "m.json", np=3)
        with open(self.path("m.json"), encoding="utf-8") as file:
            measured = json.load(file)
        self.assertEqual((measured["origin"], measured["ranks_per_node"]), ("measured", 3))
        self.assertGreater(measured["node"]["latency_seconds"], 0)
        self.assertNotIn("network", measured)  # one node
        out, _ = self.run_program("study", "--norm", "gn,ln,bn", "--dry-run", "--ranks", 3, "--ranks-per-run", 3, "--rate", "m.json")
        self.assertIn("(measured)", out)

    def test_what_cannot_be_priced_is_one_line(self):
        self.write("m.json", machine())
        self.write("bad.json", machine(spread="x"))
        self.refuse("study", "--norm", "gn", "--dry-run", "--rate", "bad.json", code=1, says="bad.json: no machine file: spread")
        os.mkdir(self.path("directory.json"))
        for name, text, says in (("empty.json", "", "an empty file"), ("cut.json", '{"a": 1,\n "b": ', "line 2: "),
                                 ("directory.json", None, "a directory, not a file")):
            if text is not None:
                with open(self.path(name), "w", encoding="utf-8") as file:
                    file.write(text)
            self.refuse("study", "--norm", "gn", "--dry-run", "--rate", name, code=1, says=f"{name}: no machine file: {says}")
        self.refuse("study", "--norm", "gn", "--dry-run", "--rate", "x", says="a file NAME.json")
        self.refuse("study", "--norm", "gn", "--dry-run", "--rate", "none.json", code=1, says="none.json")
        self.refuse("report", "x.h5", "--output", "report", "--machine", "none.json", code=1, says="none.json")
        self.refuse("report", "x.h5", "--output", "report", "--target", "0", says="--target '0'")
        self.refuse("report", "x.h5", "--output", "report", "--machine", "m.json", "--target", "101", says="--target '101'")


if __name__ == "__main__":
    harness.main()
