#!/usr/bin/env python3
"""Evaluating a run file gives what training said of it, on any number of ranks."""

import re

import harness


class Eval(harness.Test):
    def test_it_agrees_with_training_and_with_itself(self):
        for experiment in ("gn", "bn-l1"):
            path = experiment + ".h5"
            trained, _ = self.run_program("train", "--experiment", experiment, "--epochs", "2", "--output", path)
            loss, correct = re.findall(r"test loss ([\d.]+), accuracy (\d+)/100", trained)[-1]
            alone, err = self.run_program("eval", path)
            self.assertEqual(err, "")
            self.assertIn(f"Test set: Average loss: {loss}, Accuracy: {correct}/100 ({correct}.00%)\n", alone)
            self.assertEqual(harness.digests(alone)[0], harness.digests(trained)[-1])
            for np in (1, 3):
                self.assertEqual(self.run_program("eval", path, np=np), (alone, ""))

    def test_confusion_and_misclassified_images_add_up(self):
        self.run_program("train", "-q", "--steps", "6", "--output", "run.h5")
        for split, count in ("test", 100), ("train", 200):
            out, _ = self.run_program("eval", "run.h5", "--split", split, np=2)
            rows = [list(map(int, line.split()[1:])) for line in out.splitlines() if re.match(r" +\d( +\d+){10}$", line)]
            self.assertEqual(len(rows), 10)
            self.assertEqual(sum(map(sum, rows)), count)
            correct = sum(rows[k][k] for k in range(10))
            self.assertIn(f"Accuracy: {correct}/{count} ", out)
            self.assertIn(f"Misclassified images: {count - correct}", out)
            listed = re.findall(r"(?m)^ +\d+ +(\d) +(\d) +[01]\.\d{4}$", out)
            self.assertEqual(len(listed), min(10, count - correct))
            self.assertTrue(all(label != prediction for label, prediction in listed))

    def test_trouble_is_one_line(self):
        self.run_program("train", "-q", "--steps", "1", "--output", "run.h5")
        for np in (None, 3):
            self.refuse("eval", "missing.h5", np=np, code=1, says="missing.h5")
            self.refuse("eval", "run.h5", "--data", "nowhere", np=np, code=1, says="nowhere")
        with open(self.path("run.h5"), "r+b") as file:
            file.seek(2000)
            file.write(b"damage")
        self.refuse("eval", "run.h5", np=2, code=1, says="run.h5")


if __name__ == "__main__":
    harness.main()
