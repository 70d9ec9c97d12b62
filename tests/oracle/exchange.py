#!/usr/bin/env python3
"""Weights go both ways between syncnorm and the rest of the world.

    exchange.py --syncnorm PROGRAM h5py     a state dict written with h5py alone starts a run, bit for bit
    exchange.py --syncnorm PROGRAM torch    the same from PyTorch; /model of a run loads into the PyTorch network with
                                            strict=True as it is, and computes there what syncnorm reports

The second half needs PyTorch (Debian: python3-torch) and is skipped, exit code 77, where it is not installed.
"""

import argparse
import importlib.util
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tools"))
import runs  # noqa: E402

SKIPPED = 77
NORMS = ("gn", "ln", "bn")
# in, out, kernel, size of the output: enough to write a state dict without PyTorch
LAYERS = [(1, 10, 3, 28), (10, 16, 3, 28), (16, 8, 1, 14), (8, 16, 3, 14), (16, 16, 3, 14),
          (16, 16, 3, 14), (16, 8, 1, 7), (8, 10, 3, 5), (10, 16, 3, 3), (16, 10, 1, 3)]


def check(claim, holds):
    if not holds:
        sys.exit(f"not so: {claim}")


def make_state(norm):
    """A state dict, in PyTorch's order, of random float32 numbers."""
    random = numpy.random.RandomState(1)
    state = {}
    for k, (inputs, outputs, kernel, size) in enumerate(LAYERS, 1):
        bound = (inputs * kernel * kernel) ** -0.5
        state[f"conv{k}.weight"] = random.uniform(-bound, bound, (outputs, inputs, kernel, kernel)).astype("f4")
        state[f"conv{k}.bias"] = random.uniform(-bound, bound, outputs).astype("f4")
        if k < len(LAYERS):
            shape = (outputs, size, size) if norm == "ln" else (outputs,)
            state[f"norm{k}.weight"] = random.uniform(0.5, 1.5, shape).astype("f4")
            state[f"norm{k}.bias"] = random.uniform(-0.5, 0.5, shape).astype("f4")
            if norm == "bn":
                state[f"norm{k}.running_mean"] = random.uniform(-1, 1, shape).astype("f4")
                state[f"norm{k}.running_var"] = random.uniform(0.5, 2, shape).astype("f4")
                state[f"norm{k}.num_batches_tracked"] = numpy.int64(7)
    return state


def write_state(path, state, dtype=None):
    with h5py.File(path, "w") as file:
        for name, value in state.items():
            value = numpy.asarray(value)
            floating = numpy.issubdtype(value.dtype, numpy.floating)
            file[f"model/{name}"] = value.astype(dtype) if dtype and floating else value


def read_state(path):
    """/model of a run file as the README tells users to read it."""
    with h5py.File(path) as file:
        return {name: value[()] for name, value in file["model"].items()}


class Trainer:
    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.data = directory / "data"
        maker = pathlib.Path(runs.__file__).with_name("make_dataset.py")
        subprocess.run([sys.executable, maker, self.data, "--train", "256", "--test", "200"], check=True)

    def run(self, norm, name, *options):
        """Trains and returns the run file; with `--steps 1` and this learning rate the weights stay what they were."""
        output = self.directory / f"{name}.h5"
        done = runs.run([self.program, "train", "--norm", norm, "--data", str(self.data), "--output", str(output),
                         "--quiet", *options])
        check(f"train {name} succeeds: {done.stdout}{done.stderr}", done.returncode == 0)
        return output

    def start(self, norm, name, init):
        return self.run(norm, name, "--init", str(init), "--steps", "1", "--lr", "1e-60")


def h5py_half(trainer):
    for norm in NORMS:
        state = make_state(norm)
        for dtype in ("f4", "f8"):
            path = trainer.directory / f"{norm}-{dtype}-state.h5"
            write_state(path, state, dtype)
            trained = read_state(trainer.start(norm, f"{norm}-{dtype}", path))
            check(f"{norm}: /model has the names of the state dict in its order", list(trained) == list(state))
            for key, value in state.items():
                same = trained[key].shape == value.shape and trained[key].dtype == value.dtype
                check(f"{norm}: {key} has its shape and type", same)
                if "running" in key:
                    moved = numpy.abs(trained[key] - 0.9 * value).max()
                    check(f"{norm}: {key} has moved by a tenth", 0 < moved and not (trained[key] == value).all())
                elif "tracked" in key:
                    check(f"{norm}: {key} has counted one batch", trained[key] == value + 1)
                else:
                    check(f"{norm}: {key} is the number given, to the bit", (trained[key] == value).all())
    print("state dicts written with h5py start runs")


def torch_half(trainer):
    import torch
    from torch.nn import functional

    from torch_network import Network, normalized

    torch.set_num_threads(1)
    images = numpy.frombuffer((trainer.data / "t10k-images-idx3-ubyte").read_bytes()[16:], "u1").reshape(-1, 28, 28)
    labels = numpy.frombuffer((trainer.data / "t10k-labels-idx1-ubyte").read_bytes()[8:], "u1")
    x, y = normalized(images.copy(), torch.float32), torch.tensor(labels.astype("i8"))

    def compare(norm, path, **options):
        """Loads /model strictly and evaluates it; loss, accuracy and predictions are those of the run."""
        network = Network(norm, **options)
        with h5py.File(path) as file:
            network.load_state_dict({k: torch.tensor(v[()]) for k, v in file["model"].items()}, strict=True)
            loss, accuracy = (file[f"metrics/epoch/{c}"][-1] for c in ("test_loss", "test_accuracy"))
            predictions = file["evaluation/predictions"][()]
        network.eval()
        with torch.no_grad():
            logits = network(x)
        expected = functional.cross_entropy(logits, y).item()
        check(f"{norm}: test loss {loss} is PyTorch's {expected}", abs(loss - expected) < 1e-5 * expected)
        best = logits.topk(2, dim=1)
        clear = (best.values[:, 0] - best.values[:, 1] > 1e-4).numpy()
        check(f"{norm}: most predictions are clear", clear.mean() > 0.9)
        check(f"{norm}: predictions", (best.indices[:, 0].numpy() == predictions)[clear].all())
        correct = 100.0 * (predictions == labels).mean()
        check(f"{norm}: accuracy {accuracy} is that of the predictions, {correct}", abs(accuracy - correct) < 1e-9)

    for norm in NORMS:
        torch.manual_seed(5)
        network = Network(norm)
        state = {name: value.numpy() for name, value in network.state_dict().items()}
        path = trainer.directory / f"{norm}-torch-state.h5"
        write_state(path, state)
        started = trainer.start(norm, f"{norm}-from-torch", path)
        trained = read_state(started)
        check(f"{norm}: PyTorch's order", list(trained) == list(state))
        for key, value in state.items():
            if "running" not in key and "tracked" not in key:
                check(f"{norm}: {key} is PyTorch's, to the bit", (trained[key] == value).all())
        compare(norm, started)
        compare(norm, trainer.run(norm, f"{norm}-trained", "--epochs", "3"))
        compare(norm, trainer.run(norm, f"{norm}-ws", "--weight-standardization", "--epochs", "3"), weight_standardization=True)
    print("weights go both ways between syncnorm and PyTorch")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--syncnorm", required=True)
    parser.add_argument("half", choices=("h5py", "torch"))
    options = parser.parse_args()
    if options.half == "torch" and importlib.util.find_spec("torch") is None:
        print("SKIPPED: PyTorch is not installed (Debian: python3-torch), so nothing was exchanged with it")
        return SKIPPED
    with tempfile.TemporaryDirectory() as directory:
        trainer = Trainer(options.syncnorm, pathlib.Path(directory))
        (torch_half if options.half == "torch" else h5py_half)(trainer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
