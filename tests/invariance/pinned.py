#!/usr/bin/env python3
"""Results of today are results of yesterday: small experiments whose digests are pinned in pinned.tsv, on several numbers of ranks.

    pinned.py --syncnorm PATH [--ranks 1,3] [--data made,fashion]      exits 77 (skipped) without MNIST where --data asks for it
    pinned.py --syncnorm PATH --write                                  pins what this build gives: only for rows that are new

A row's digests: of the experiment, of the weights (running statistics included), and of what training and evaluation gave (every loss,
accuracy, prediction and the confusion). A change that moves one of them breaks every comparison with files that exist. Rows with gemm
have no digests but the experiment's: OpenBLAS rounds differently on other machines.
"""
import argparse
import concurrent.futures
import csv
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import runs  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
TABLE = HERE / "pinned.tsv"
COLUMNS = ("data", "options", "experiment", "weights", "results")
DIGESTS = COLUMNS[2:]
# What any version has recorded of a result; diagnostics and costs are not among it.
RESULTS = ("metrics/step/", "evaluation/predictions", "evaluation/labels", "evaluation/confusion", "evaluation/misclassified/",
           "evaluation/precise/", *(f"evaluation: {way}{what}" for way in ("", "train_", "precise_", "batch_")
                                    for what in ("loss", "accuracy")),
           *(f"metrics/epoch/{column}" for column in ("train_loss", "train_cross_entropy", "last_batch_loss", "train_accuracy",
                                                      "test_loss", "test_accuracy")))
FASHION = "/usr/share/datasets/fashion-mnist"


def digests(path, gemm):
    content = runs.content(path)
    results = hashlib.sha256()
    for name in sorted(content):
        if name.startswith(RESULTS):
            results.update(name.encode() + b"\0" + content[name])
    found = {"experiment": content["experiment"].decode(), "weights": content["digest"].decode(),
             "results": results.hexdigest()[:32]}
    return {**found, "weights": "-", "results": "-"} if gemm else found


def is_mnist(directory):
    """By the digest of the labels: other data sets come under the same file names."""
    for name in ("t10k-labels-idx1-ubyte", "t10k-labels-idx1-ubyte.gz"):
        path = pathlib.Path(directory) / name
        if path.exists():
            opened = subprocess.run(["gzip", "-dcf", path], capture_output=True, check=True).stdout
            return hashlib.sha256(opened).hexdigest().startswith("ff7bcfd416de33731a308c3f266cc351")
    return False


def train(options, row, directories, number):
    """The row as this build gives it on each number of ranks."""
    found = {}
    for ranks in map(int, options.ranks.split(",")):
        path = f"{directories['made']}/{number}-np{ranks}.h5"
        done = runs.run([options.syncnorm, "train", "-q", *row["options"].split(), "--data", directories[row["data"]], "--output", path],
                        ranks)
        if done.returncode != 0:
            sys.exit(f"{row['options']}, np {ranks}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        found[ranks] = digests(path, "--conv gemm" in row["options"])
        os.remove(path)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--syncnorm", required=True)
    parser.add_argument("--ranks", default="1,3")
    parser.add_argument("--data", default="made,fashion")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with open(TABLE, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    wanted = options.data.split(",")
    with tempfile.TemporaryDirectory() as made:
        subprocess.run([sys.executable, str(HERE.parent / "tools" / "make_dataset.py"), made, "--train", "300", "--test", "103"],
                       check=True)
        directories = {"made": made, "fashion": FASHION, "mnist": os.environ.get("MNIST_DIR", "data/mnist")}
        if "mnist" in wanted and not is_mnist(directories["mnist"]):
            print("skipped: no MNIST in", directories["mnist"])
            sys.exit(77)
        chosen = [row for row in rows if row["data"] in wanted]
        moved = 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = pool.map(lambda number: train(options, chosen[number], directories, number), range(len(chosen)))
            for row, found_by_ranks in zip(chosen, results):
                for ranks, found in found_by_ranks.items():
                    if options.write and not row["experiment"]:
                        row.update(found)
                    wrong = {name: found[name] for name in DIGESTS if found[name] != row[name]}
                    moved += bool(wrong)
                    print(f"{row['data']} {row['options']}, np {ranks}:", f"MOVED: {wrong}" if wrong else "as pinned", flush=True)
    if options.write:
        with open(TABLE, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    print(f"{len(chosen)} experiments, {moved} moved")
    sys.exit(1 if moved or not chosen else 0)


if __name__ == "__main__":
    main()
