#!/usr/bin/env python3
"""Hosts that took part are all recorded, however many and however long their names."""

import os

import h5py

import harness

RANKS, LENGTH = 20, 255  # more than 4,095 bytes


class Hosts(harness.Test):
    def test_long_names_of_many_hosts(self):
        self.environment["LD_PRELOAD"] = os.environ["LONG_HOST_NAMES"]
        self.run_program("train", "-q", "--steps", 1, "--output", "run.h5", np=RANKS)
        with h5py.File(self.path("run.h5"), "r") as file:
            hosts = file["provenance"].attrs["hosts"].split(" ")
        self.assertEqual(hosts, [f"host{rank}.".ljust(LENGTH, "x") for rank in range(RANKS)])


if __name__ == "__main__":
    harness.main()
