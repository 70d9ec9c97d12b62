#!/usr/bin/python3
"""Makes the fuzz targets' first inputs: make_seeds.py DIRECTORY writes one folder per target into it. They are committed,
since other versions of zlib and HDF5 write other bytes; inputs that once broke something lie beside them as found-*."""

import gzip
import os
import struct
import subprocess
import sys
import tempfile

import h5py
import numpy as np


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
    write(directory, "label-10", struct.pack(">2I", 2049, 1) + b"\x0a")
    write(directory, "empty", b"")
    write(directory, "absurd", struct.pack(">4I", 2051, 0xFFFFFFFF, 28, 28))
    write(directory, "lying", struct.pack(">4I", 2051, 1 << 24, 28, 28) + b"\0" * 100)


def image_of(fill, **options):
    """The bytes of an HDF5 file that fill(file) made."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "image")
        with h5py.File(path, "w", **options) as file:
            fill(file)
        with open(path, "rb") as file:
            return file.read()


def seal(image):
    """Puts the trailer of src/io/README.md behind an image."""
    head = image + b"syncnorm trailer" + struct.pack("<IIQ", 1, 64, len(image))
    return head + subprocess.run(["xxhsum", "-H2"], input=head, stdout=subprocess.PIPE, check=True).stdout[:32]


def fill_tables(metrics, rows):
    for name in ("epoch", "step"):
        table = metrics.create_group(name, track_order=True)
        for column, units, kind in (("step", "", "<i8"), ("loss", "nats", "<f8")):
            values = np.arange(rows).astype(kind)
            table.create_dataset(column, data=values, maxshape=(None,), chunks=(4,)).attrs["units"] = units


def fill_run(file, rows=2):
    """A run with one of everything, as small as it gets."""
    file.attrs["format"] = "syncnorm-run"
    file.attrs["format_version"] = np.int64(1)
    file.attrs["complete"] = np.int64(1)
    groups = {name: file.create_group(name, track_order=True)
              for name in ("provenance", "experiment", "model", "optimizer", "progress", "metrics", "evaluation")}
    groups["provenance"].create_group("0", track_order=True).attrs["hosts"] = "node1"
    groups["experiment"].attrs["norm"] = "gn"
    groups["experiment"].attrs["lr"] = np.float64(0.01)
    groups["model"].attrs["digest"] = "0" * 32
    groups["model"]["conv1.weight"] = np.arange(4, dtype="<f4").reshape(1, 1, 2, 2)
    groups["model"]["norm1.num_batches_tracked"] = np.int64(7)
    groups["optimizer"]["conv1.weight"] = np.zeros((1, 1, 2, 2), "<f4")
    groups["progress"].attrs["epoch"] = np.int64(1)
    groups["evaluation"]["predictions"] = np.arange(3, dtype="u1")
    groups["evaluation"].create_group("misclassified", track_order=True)["index"] = np.arange(2, dtype="<i8")
    fill_tables(groups["metrics"], rows)


def make_run_file(directory):
    image = image_of(fill_run, track_order=True)
    sealed = seal(image)
    write(directory, "run", sealed)
    write(directory, "flipped", image[:-1] + bytes([image[-1] ^ 1]) + sealed[-64:])
    write(directory, "run-without-rows", seal(image_of(lambda file: fill_run(file, 0), track_order=True)))
    write(directory, "run-of-names-in-order", seal(image_of(fill_run)))
    write(directory, "run-of-the-latest-format", seal(image_of(fill_run, track_order=True, libver="latest")))
    write(directory, "no-trailer", image[:600])
    write(directory, "trailer-alone", sealed[-64:])
    write(directory, "sealed-nothing", seal(b""))
    write(directory, "sealed-signature", seal(image[:8]))
    write(directory, "sealed-head", seal(image[:96]))
    write(directory, "sealed-twice", seal(seal(image[:96])))
    write(directory, "cut", sealed[:-1][:900])
    write(directory, "empty", b"")


def make_init_file(directory):
    weights = np.arange(4, dtype="<f4").reshape(1, 1, 2, 2)

    def contiguous(file):
        file["model/conv1.weight"] = weights
        file["model/counter"] = np.int64(7)

    def converted(file):
        file["model/conv1.weight"] = weights.astype(">f8")
        file.create_dataset("model/b", data=np.arange(3, dtype="i2"), chunks=(2,), compression=1, shuffle=True)

    write(directory, "contiguous", image_of(contiguous))
    write(directory, "converted", image_of(converted))
    write(directory, "latest", image_of(converted, libver="latest"))
    write(directory, "no-model", image_of(lambda file: file.create_group("weights")))
    write(directory, "not-hdf5", b"PK\3\4 a state_dict")


def make_run_schema(directory):
    """Lists of edits, each a few numbers that fuzz_run_schema.c reads as choices: one kind of edit after the other."""
    write(directory, "no-edit", b"")
    for kind in range(4):
        for first in range(4):
            write(directory, f"edit-{kind}-{first}", bytes([kind] + [(first * 5 + i * 3) % 13 for i in range(24)]))


def main():
    make_idx(os.path.join(sys.argv[1], "idx"))
    make_run_file(os.path.join(sys.argv[1], "run_file"))
    make_init_file(os.path.join(sys.argv[1], "init_file"))
    make_run_schema(os.path.join(sys.argv[1], "run_schema"))


if __name__ == "__main__":
    main()
