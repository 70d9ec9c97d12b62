#!/usr/bin/env python3
"""Writes a small made-up data set in MNIST's format: ten kinds of strokes, shifted, scaled and with noise.

    make_dataset.py DIR [--train 2592] [--test 300] [--seed 1] [--gzip]

The same arguments give the same bytes on any machine (no library, integers only). It is easy enough that a network learns
something in forty steps, and no two images are equal.
"""
import argparse
import gzip
import pathlib
import random
import struct

SIZE = 28
# Strokes on a 7 x 7 grid, one kind per class: lines between points.
STROKES = [
    [(1, 1, 1, 5), (1, 5, 5, 5), (5, 5, 5, 1), (5, 1, 1, 1)],
    [(1, 3, 5, 3)],
    [(1, 1, 1, 5), (1, 5, 5, 1), (5, 1, 5, 5)],
    [(1, 1, 1, 5), (3, 1, 3, 5), (5, 1, 5, 5)],
    [(1, 1, 3, 1), (3, 1, 3, 5), (1, 5, 5, 5)],
    [(1, 5, 1, 1), (1, 1, 3, 1), (3, 1, 5, 5)],
    [(1, 2, 5, 2), (5, 2, 5, 5), (5, 5, 3, 5), (3, 5, 3, 2)],
    [(1, 1, 1, 5), (1, 5, 5, 2)],
    [(1, 1, 5, 5), (1, 5, 5, 1)],
    [(1, 2, 1, 5), (1, 5, 3, 5), (3, 5, 3, 2), (3, 2, 1, 2), (3, 5, 5, 4)],
]


def draw(kind, rng):
    image = bytearray(SIZE * SIZE)
    top, left, step = rng.randrange(-2, 4), rng.randrange(-2, 4), rng.randrange(7, 10)
    for r0, c0, r1, c1 in STROKES[kind]:
        points = 24
        for i in range(points + 1):
            row = top + (step * (r0 * (points - i) + r1 * i)) // (2 * points)
            column = left + (step * (c0 * (points - i) + c1 * i)) // (2 * points)
            for dr in (0, 1):
                for dc in (0, 1):
                    if 0 <= row + dr < SIZE and 0 <= column + dc < SIZE:
                        image[(row + dr) * SIZE + column + dc] = rng.randrange(160, 256)
    for _ in range(40):
        image[rng.randrange(SIZE * SIZE)] = rng.randrange(256)
    return bytes(image)


def write(path, data, compress):
    if compress:
        pathlib.Path(f"{path}.gz").write_bytes(gzip.compress(data, mtime=0))
    else:
        pathlib.Path(path).write_bytes(data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--train", type=int, default=2592)
    parser.add_argument("--test", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gzip", action="store_true")
    options = parser.parse_args()
    options.directory.mkdir(parents=True, exist_ok=True)
    rng = random.Random(options.seed)
    for name, count in (("train", options.train), ("t10k", options.test)):
        labels = bytes(rng.randrange(10) for _ in range(count))
        images = b"".join(draw(label, rng) for label in labels)
        prefix = options.directory / name
        write(f"{prefix}-images-idx3-ubyte", struct.pack(">4I", 2051, count, SIZE, SIZE) + images, options.gzip)
        write(f"{prefix}-labels-idx1-ubyte", struct.pack(">2I", 2049, count) + labels, options.gzip)


if __name__ == "__main__":
    main()
