#!/usr/bin/python3
"""Makes the fuzz targets' first inputs: make_seeds.py DIRECTORY writes DIRECTORY/idx. All are committed, since other
versions of zlib pack otherwise; inputs that once broke something lie beside them and begin with "found"."""

import gzip
import os
import struct
import sys


def write(directory, name, data):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as file:
        file.write(data)


def pack(data, level=9):
    return gzip.compress(data, level, mtime=0)


def make_idx(directory):
    images = struct.pack(">4I", 2051, 2, 28, 28) + bytes(i * 7 % 256 if i % 5 == 0 else 0 for i in range(2 * 784))
    labels = struct.pack(">2I", 2049, 10) + bytes(range(10))
    write(directory, "images", images)
    write(directory, "labels", labels)
    write(directory, "images.gz", pack(images))
    write(directory, "labels.gz", pack(labels))
    write(directory, "labels-stored.gz", pack(labels, 0))
    write(directory, "labels-two-members.gz", pack(labels[:9]) + pack(labels[9:]))
    write(directory, "labels-trailing.gz", pack(labels) + b"x")
    write(directory, "labels-cut.gz", pack(labels)[:-4])
    write(directory, "labels-of-11", labels[:8] + b"\x0b")
    write(directory, "empty", b"")
    write(directory, "absurd", struct.pack(">4I", 2051, 0xFFFFFFFF, 28, 28))
    write(directory, "lying", struct.pack(">4I", 2051, 1 << 24, 28, 28) + b"\0" * 100)


def main():
    make_idx(os.path.join(sys.argv[1], "idx"))


if __name__ == "__main__":
    main()
