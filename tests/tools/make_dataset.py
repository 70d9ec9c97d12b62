#!/usr/bin/env python3
"""Writes a small synthetic data set as the four IDX files of MNIST: a bright square per class over noise, so that it can be
learned. The same arguments give the same bytes.

usage: make_dataset.py DIR [--train N] [--test N] [--seed S] [--gzip]
"""

import argparse
import gzip
import os
import random
import struct

SIZE = 28


def image(random_bytes, label):
    pixels = bytearray(b & 31 for b in random_bytes)
    row, column = 2 + 13 * (label // 5), 1 + 5 * (label % 5)
    for r in range(row, row + 10):
        for c in range(column, column + 5):
            pixels[r * SIZE + c] |= 192
    return bytes(pixels)


def write(directory, name, data, compress):
    path = os.path.join(directory, name + (".gz" if compress else ""))
    with open(path, "wb") as file:
        file.write(gzip.compress(data, mtime=0) if compress else data)


def make(directory, train=200, test=100, seed=1, compress=False):
    os.makedirs(directory, exist_ok=True)
    source = random.Random(seed)
    for prefix, count in (("train", train), ("t10k", test)):
        labels = bytes(source.randrange(10) for _ in range(count))
        images = b"".join(image(source.randbytes(SIZE * SIZE), label) for label in labels)
        write(directory, prefix + "-images-idx3-ubyte", struct.pack(">4i", 2051, count, SIZE, SIZE) + images, compress)
        write(directory, prefix + "-labels-idx1-ubyte", struct.pack(">2i", 2049, count) + labels, compress)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("directory")
    parser.add_argument("--train", type=int, default=200)
    parser.add_argument("--test", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gzip", action="store_true")
    options = parser.parse_args()
    make(options.directory, options.train, options.test, options.seed, options.gzip)
