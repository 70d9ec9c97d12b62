#!/usr/bin/env python3
"""One digest from every build and instruction set: debug, sanitizers, gcc, clang; portable, x86-64-v3, x86-64-v4.

    one_digest.py --builds build/release build/sanitize build/faults --also build/debug build/clang

A few steps with the short last batch of each experiment, small enough for the portable kernels under a sanitizer. Exits 77 (skipped)
when one of the --builds is not there; --also: those that are.
"""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import runs  # noqa: E402

SETS = {"portable": set(), "x86-64-v3": {"avx2", "fma"}, "x86-64-v4": {"avx512f", "avx512dq", "avx512vl", "avx512bw"}}


def processor_flags():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            return set(line.split(":")[1].split())
    return set()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--builds", nargs="+", type=pathlib.Path, required=True)
    parser.add_argument("--also", nargs="*", type=pathlib.Path, default=[])
    parser.add_argument("--experiments", default="gn,ln,bn-l1")
    options = parser.parse_args()
    missing = [build for build in options.builds if not (build / "syncnorm").exists()]
    if missing:
        print("skipped: not built:", *missing)
        sys.exit(77)
    flags = processor_flags()
    sets = [name for name, needed in SETS.items() if needed <= flags]

    failed = False
    with tempfile.TemporaryDirectory() as directory, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        make = pathlib.Path(__file__).resolve().parent.parent / "tools" / "make_dataset.py"
        subprocess.run([sys.executable, str(make), directory, "--train", "20", "--test", "10"], check=True)

        def train(experiment, build, isa):
            path = f"{directory}/{experiment}-{build.name}-{isa}.h5"  # afresh: nothing to go on from
            done = runs.run([str(build / "syncnorm"), "train", "-q", "--experiment", experiment, "--batch", "8",
                             "--epochs", "1", "--data", directory, "--output", path], 1, SYNCNORM_ISA=isa,
                            ASAN_OPTIONS="detect_leaks=0")
            if done.returncode != 0:
                raise SystemExit(f"{build} {isa}: exit {done.returncode}\n{done.stdout}{done.stderr}")
            return runs.content(path)

        builds = options.builds + [build for build in options.also if (build / "syncnorm").exists()]
        cases = [(build, isa) for build in builds for isa in sets]
        for experiment in options.experiments.split(","):
            found = list(pool.map(lambda case: train(experiment, *case), cases))
            for (build, isa), content in zip(cases, found):
                wrong = runs.differences(found[0], content)
                failed |= bool(wrong)
                print(f"{experiment:6} {build.name:9} {isa:10} {content['digest'].decode()}",
                      f"DIFFERS: {' '.join(wrong[:5])}" if wrong else "", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
