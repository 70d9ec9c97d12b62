#!/usr/bin/env python3
"""The one principle: the same experiment gives the same bits on any number of ranks.

    rank_invariance.py --syncnorm PATH --experiment gn --conv direct [--ranks 1,2,3,4,5,70]
    ... --preload LIBRARY --expect-difference     the negative control: with a rank-dependent sum the same check must fail
    ... --axes --ranks 1,2,3,5 --steps 10         the axes of a study, AXES below, in place of an experiment

Trains 41 steps, the last of them on a short batch, on a made-up data set; compares weights, momentum, running and precise statistics,
every step's loss, every epoch's row, every prediction and the final evaluations.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import runs  # noqa: E402

BATCH, LAST_BATCH, TEST = 64, 32, 203
AXES = {
    # 64 samples are 8 groups, which 3 and 5 ranks cut; the last batch has 4
    "bn scope 8": "--norm bn --bn-scope 8",
    # 64 samples are shares of 16 (22, 21 and 21 on 3 ranks), statistics of workers that see other classes
    "bn of workers": "--norm bn --workers 4 --bn-scope worker --shards dirichlet:0.5 --schedule cosine --warmup 0.5 "
                     "--lr-scaling linear --precise-bn",
    "bn scope 2": "--norm bn --bn-scope 2 --precise-bn",
    "bn of 16 workers": "--norm bn --workers 16 --bn-scope worker --shards sorted --precise-bn",  # the last batch: 2 samples each
    "gn of 32 workers": "--norm gn --workers 32 --shards dirichlet:0.5",
    "gn of workers": "--norm gn --workers 3 --shards sorted --schedule step:1:0.5",
}


def train(options, directory, name, arguments):
    """Parts that differ between the numbers of ranks."""
    first, differing = None, []
    for ranks in map(int, options.ranks.split(",")):
        path = f"{directory}/{name.replace(' ', '-')}-np{ranks}.h5"
        done = runs.run([options.syncnorm, "train", "-q", *arguments, "--epochs", "1", "--data", directory, "--output", path],
                        ranks, options.preload)
        if done.returncode != 0:
            sys.exit(f"{name} np {ranks}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        content = runs.content(path)
        steps = len(content["metrics/step/loss"]) // 8
        if steps != options.steps:
            sys.exit(f"{name} np {ranks}: {steps} steps, not {options.steps}")
        first = first or content
        wrong = runs.differences(first, content)
        differing += wrong
        print(f"{name} np {ranks}: digest {content['digest'].decode()}",
              f"DIFFERS in {len(wrong)} parts: {' '.join(wrong[:5])}" if wrong else "")
    return differing


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--syncnorm", required=True)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--experiment")
    what.add_argument("--axes", action="store_true")
    parser.add_argument("--conv", default="direct")
    parser.add_argument("--ranks", default="1,2,3,4,5,70")
    parser.add_argument("--steps", type=int, default=41)
    parser.add_argument("--preload")
    parser.add_argument("--expect-difference", action="store_true")
    options = parser.parse_args()
    if options.axes:
        cases = {name: arguments.split() for name, arguments in AXES.items()}
    else:
        cases = {f"{options.experiment} {options.conv}": ["--experiment", options.experiment, "--conv", options.conv]}

    with tempfile.TemporaryDirectory() as directory:
        make = pathlib.Path(__file__).resolve().parent.parent / "tools" / "make_dataset.py"
        images = (options.steps - 1) * BATCH + LAST_BATCH
        subprocess.run([sys.executable, str(make), directory, "--train", str(images), "--test", str(TEST)], check=True)
        differing = [part for name, arguments in cases.items() for part in train(options, directory, name, arguments)]
        if options.expect_difference:
            sys.exit(0 if differing else "the rank-dependent sum was not noticed: this check cannot fail")
        sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
