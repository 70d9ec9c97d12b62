"""What others see of a run file: h5py, h5ls, h5dump and xxhsum on the file that test_run_file wrote.

usage: check_run_file.py FILE.h5
"""
import shutil
import subprocess
import sys

import h5py
import numpy as np

STATE_DICT = ["conv1.weight", "conv1.bias", "norm1.weight", "norm1.bias", "norm1.running_mean", "norm1.running_var",
              "norm1.num_batches_tracked", "conv10.weight", "a.comes.last"]


def check_attributes(f):
    assert f.attrs["format"] == "syncnorm-run" and type(f.attrs["format"]) is str
    assert f.attrs["format_version"] == 1 and f.attrs["format_version"].dtype == np.int64
    experiment = f["experiment"].attrs
    assert experiment["text"] == "bn" and experiment["empty"] == "" and type(experiment["empty"]) is str
    assert experiment["integer"] == -2**63 + 1 and experiment["real"] == 0.1 and experiment["real"].dtype == np.float64
    assert list(experiment) == ["text", "integer", "real", "empty"] + [f"option_{i * 7 % 40:02d}" for i in range(40)]
    assert list(f["provenance"]) == [str(i) for i in range(12)]
    assert f["provenance"].attrs["hosts"] == "node11" and f["provenance/0"].attrs["hosts"] == "node0"
    assert "Grüße.h5" in f["provenance"].attrs["text"]


def check_model(f):
    model = {k: v[()] for k, v in f["model"].items()}  # the documented expression, in state-dict order
    assert list(model) == STATE_DICT, list(model)
    assert list(f["optimizer"]) == [k for k in STATE_DICT if "running" not in k and "num" not in k]
    assert model["conv1.weight"].shape == (10, 1, 3, 3) and model["conv1.weight"].dtype == np.float32
    assert np.array_equal(model["conv1.bias"], np.arange(10, dtype=np.float32) * np.float32(0.37) - np.float32(1))
    tracked = model["norm1.num_batches_tracked"]
    assert tracked.shape == () and tracked.dtype == np.int64 and tracked == 938
    raw = b"".join(v.astype(v.dtype.newbyteorder("<")).tobytes() for v in model.values())
    return raw, f["model"].attrs["digest"]


def check_metrics(f):
    for group, rows in ("metrics/epoch", 3), ("metrics/step", 3 * 938):
        columns = {k: v[:] for k, v in f[group].items()}  # what pandas.DataFrame takes
        assert all(v.shape == (rows,) for v in columns.values())
        assert all(f[group][k].maxshape == (None,) and f[group][k].chunks for k in columns)
        assert columns["step"].dtype == np.int64 and list(columns["step"]) == list(range(1, rows + 1))
        assert columns["accuracy"].dtype == np.float64
    units = {k: v.attrs["units"] for k, v in f["metrics/epoch"].items()}
    assert units == {"step": "", "train_loss": "nats", "accuracy": "%"}, units


def check_evaluation(f):
    evaluation = f["evaluation"]
    assert evaluation["predictions"].dtype == np.uint8 and evaluation["index"].dtype == np.int32
    assert evaluation["misclassified/image"].shape == (3, 28, 28) and evaluation["nothing/image"].shape == (0, 28, 28)
    assert evaluation.attrs["test_loss"] == 0.0271


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, **options).stdout


def check_tools(path, raw, digest):
    assert b"/model/conv1.weight" in run("h5ls", "-r", path)
    assert b"syncnorm-run" in run("h5dump", path)
    if not shutil.which("xxhsum"):
        print("xxhsum is not installed: hashes not checked")
        return
    with open(path, "rb") as file:
        contents = file.read()
    for what, hashed in (contents[:-32], contents[-32:].decode()), (raw, digest):
        assert run("xxhsum", "-H2", input=what).split()[0].decode() == hashed


def main(path):
    with h5py.File(path, "r") as f:
        check_attributes(f)
        raw, digest = check_model(f)
        check_metrics(f)
        check_evaluation(f)
    check_tools(path, raw, digest)


main(sys.argv[1])
