#!/usr/bin/env python3
"""Training speed of syncnorm beside PyTorch's, paired: short runs of the two in turns, A B A B, so that both meet the same
machine; then the median of the ratios. A program to run by hand, not a test.

    speed.py --syncnorm PROGRAM [--data DIR] [--norm gn,ln,bn] [--rounds 5] [--images 6400]

Both train the same network on one core: batches of 64, dropout2d 0.05, SGD with momentum 0.9, images in memory. syncnorm: one
rank, images per second as the run file has them. PyTorch: one thread, normalized tensors, no data loader, warmed up.
"""

import argparse
import gzip
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import numpy
import torch
from torch.nn import functional

from torch_network import Network, normalized

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import runs  # noqa: E402

BATCH = 64


def read_idx(directory, name, header):
    plain = directory / name
    raw = plain.read_bytes() if plain.exists() else gzip.decompress((directory / f"{name}.gz").read_bytes())
    return numpy.frombuffer(raw[header:], "u1").copy()


class PyTorch:
    def __init__(self, norm, data):
        torch.manual_seed(1)
        self.x = normalized(read_idx(data, "train-images-idx3-ubyte", 16).reshape(-1, 28, 28), torch.float32)
        self.y = torch.tensor(read_idx(data, "train-labels-idx1-ubyte", 8).astype("i8"))
        self.network = Network(norm, dropout=0.05)
        self.optimizer = torch.optim.SGD(self.network.parameters(), lr=0.01, momentum=0.9)
        self.images_per_second(5 * BATCH)

    def images_per_second(self, images):
        order = torch.randperm(len(self.x))
        start = time.perf_counter()
        for first in range(0, images, BATCH):
            batch = order[torch.arange(first, first + BATCH) % len(order)]
            self.optimizer.zero_grad()
            functional.nll_loss(functional.log_softmax(self.network(self.x[batch]), dim=1), self.y[batch]).backward()
            self.optimizer.step()
        return images / (time.perf_counter() - start)


def syncnorm_images_per_second(program, norm, data, images, directory):
    output = directory / "run.h5"
    for stale in directory.glob("run.h5*"):
        stale.unlink()
    done = runs.run([program, "train", "--norm", norm, "--data", str(data), "--output", str(output), "--quiet",
                     "--steps", str(images // BATCH)])
    if done.returncode != 0:
        sys.exit(done.stderr)
    with h5py.File(output) as file:
        isa = file["provenance"].attrs.get("instruction_set", "")
        return file["metrics/epoch/images_per_second"][-1], isa


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--syncnorm", required=True)
    parser.add_argument("--data", type=pathlib.Path, help="directory of MNIST; default $MNIST_DIR, else made-up images")
    parser.add_argument("--norm", default="gn,ln,bn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=6400, help="of each run of syncnorm; PyTorch gets a third")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"PyTorch {torch.__version__}, one thread; medians of {options.rounds} pairs, images/s")
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        data = options.data or (pathlib.Path(os.environ["MNIST_DIR"]) if "MNIST_DIR" in os.environ else None)
        if data is None:
            data = scratch / "data"
            maker = pathlib.Path(runs.__file__).with_name("make_dataset.py")
            subprocess.run([sys.executable, maker, data, "--train", str(options.images), "--test", "100"], check=True)
        for norm in options.norm.split(","):
            pytorch, pairs = PyTorch(norm, data), []
            for _ in range(options.rounds):
                theirs = pytorch.images_per_second(options.images // 3 // BATCH * BATCH)
                ours, isa = syncnorm_images_per_second(options.syncnorm, norm, data, options.images, scratch)
                pairs.append((ours, theirs, ours / theirs))
            ours, theirs, ratio = (statistics.median(column) for column in zip(*pairs))
            ratios = " ".join(f"{r:.2f}" for _, _, r in pairs)
            print(f"{norm}: syncnorm {ours:,.0f}, PyTorch {theirs:,.0f}, ratio {ratio:.2f} ({ratios}) {isa}", flush=True)


if __name__ == "__main__":
    main()
