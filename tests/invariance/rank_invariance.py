#!/usr/bin/env python3
"""The one principle: the same experiment gives the same bits on any number of ranks.

    rank_invariance.py --syncnorm PATH --experiment gn --conv direct [--ranks 1,2,3,4,5,70]
    ... --preload LIBRARY --expect-difference     the negative control: with a rank-dependent sum the same check must fail

Trains 41 steps, the last of them on a short batch, on a made-up data set; compares weights, momentum, running statistics,
every step's loss, every epoch's row and every prediction.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import runs  # noqa: E402

TRAIN, TEST = 40 * 64 + 32, 203


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--syncnorm", required=True)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--conv", default="direct")
    parser.add_argument("--ranks", default="1,2,3,4,5,70")
    parser.add_argument("--preload")
    parser.add_argument("--expect-difference", action="store_true")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as directory:
        make = pathlib.Path(__file__).resolve().parent.parent / "tools" / "make_dataset.py"
        subprocess.run([sys.executable, str(make), directory, "--train", str(TRAIN), "--test", str(TEST)], check=True)
        first, differing = None, []
        for ranks in map(int, options.ranks.split(",")):
            path = f"{directory}/np{ranks}.h5"
            done = runs.run([options.syncnorm, "train", "-q", "--experiment", options.experiment, "--conv", options.conv,
                             "--epochs", "1", "--data", directory, "--output", path], ranks, options.preload)
            if done.returncode != 0:
                sys.exit(f"np {ranks}: exit {done.returncode}\n{done.stdout}{done.stderr}")
            content = runs.content(path)
            steps = len(content["metrics/step/loss"]) // 8
            if steps != 41:
                sys.exit(f"np {ranks}: {steps} steps, not 41")
            first = first or content
            wrong = runs.differences(first, content)
            differing += wrong
            print(f"{options.experiment} {options.conv} np {ranks}: digest {content['digest'].decode()}",
                  f"DIFFERS in {len(wrong)} parts: {' '.join(wrong[:5])}" if wrong else "")
        if options.expect_difference:
            sys.exit(0 if differing else "the rank-dependent sum was not noticed: this check cannot fail")
        sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
