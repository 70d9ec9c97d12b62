#!/usr/bin/env python3
"""The model of what a step costs (price/price.h) against SimGrid, which simulates the messages of comm/sum.c one by one.

    check_model.py --predict build/release/tests/price/predict [MACHINE.json ...]

Simulated: the network as the file states it, a full-duplex link of each node on a switch without limits, and Open MPI's choice of algorithms
(--cfg=smpi/coll-selector:ompi). Exits 77 (skipped) without SimGrid's smpicc, 1 when the model is more than 15 % off.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
STEPS = 4
AIM = 0.15

PLATFORM = """<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1">
  <cluster id="cluster" prefix="n" suffix="" radical="0-{last}" speed="1Gf" core="{cores}" bw="{bandwidth}Bps" lat="{half}s"
           loopback_bw="{node_bandwidth}Bps" loopback_lat="{node_latency}s"/>
</platform>
"""


def compile_simulation(directory):
    program = directory / "simulate"
    subprocess.run(["smpicc", "-O2", "-D_GNU_SOURCE", "-DNDEBUG", f"-I{ROOT / 'include'}", f"-I{ROOT / 'src/comm'}", "-o", program,
                    HERE / "simulate.c", *(ROOT / "src/comm" / f"{name}.c" for name in ("sum", "exchange", "rounds")), "-lm"], check=True)
    return program


def simulate(directory, program, machine, ranks, price):
    here = min(ranks, machine["ranks_per_node"])
    nodes = -(-ranks // here)
    overhead = machine["network"]["overhead_seconds"]
    platform, hosts = directory / "platform.xml", directory / "hosts"
    node = machine.get("node", machine["network"])
    platform.write_text(PLATFORM.format(
        last=max(nodes - 1, 1), cores=here, bandwidth=machine["network"]["bytes_per_second"],
        half=machine["network"]["latency_seconds"] / 2 - overhead, node_bandwidth=node["bytes_per_second"],
        node_latency=node["latency_seconds"]), encoding="utf-8")
    hosts.write_text("".join(f"n{i // here}\n" for i in range(ranks)), encoding="utf-8")
    done = subprocess.run(
        ["smpirun", "-np", str(ranks), "-platform", platform, "-hostfile", hosts, "--cfg=smpi/coll-selector:ompi", "--cfg=network/model:CM02",
         f"--cfg=smpi/os:0:{overhead}:0", f"--cfg=smpi/or:0:{overhead}:0",
         "--cfg=smpi/simulate-computation:no", "--cfg=smpi/host-speed:1Gf", "--log=root.thresh:warning", program, str(STEPS), str(price["compute"]), str(machine["spread"]),
         str(1 / node["bytes_per_second"]), *price["words"]], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"the simulation failed: {done.stdout}{done.stderr}")
    return float(done.stdout.split()[-1])


def predict(program, path, norm, batch, ranks):
    out = subprocess.run([program, path, norm, str(batch), str(ranks)], capture_output=True, text=True, check=True).stdout
    price = {key: values for key, *values in (line.split() for line in out.splitlines())}
    return {"words": price.pop("words"), **{key: float(value) for key, (value,) in price.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predict", type=pathlib.Path, required=True)
    parser.add_argument("--ranks", default="16,64,256")
    parser.add_argument("--per-node", default="1,16")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("machines", nargs="*", type=pathlib.Path,
                        default=[ROOT / "launch/machines" / f"{name}.json" for name in ("ethernet-10g", "infiniband-100g")])
    options = parser.parse_args()
    if not shutil.which("smpicc"):
        print("skipped: no SimGrid (launch/install-deps.sh --simgrid)")
        sys.exit(77)

    far = 0
    print(f"{'machine':20} {'per node':>8} {'ranks':>5} {'norm':4} {'model ms':>9} {'simulated':>9} {'error':>7}")
    with tempfile.TemporaryDirectory() as scratch:
        directory = pathlib.Path(scratch)
        program = compile_simulation(directory)
        for path in options.machines:
            stated = json.loads(path.read_text(encoding="utf-8"))
            for here in map(int, options.per_node.split(",")):
                machine = {**stated, "ranks_per_node": here}
                if here > 1:  # SimGrid's overhead is everywhere, also within a node
                    machine["network"] = {**stated["network"], "overhead_seconds": 0}
                changed = directory / "machine.json"
                changed.write_text(json.dumps(machine), encoding="utf-8")
                for ranks in map(int, options.ranks.split(",")):
                    for norm in ("gn", "ln", "bn"):
                        price = predict(options.predict, changed, norm, options.batch, ranks)
                        model = sum(price[key] for key in ("compute", "statistics", "gradient", "waiting"))
                        simulated = simulate(directory, program, machine, ranks, price)
                        error = model / simulated - 1
                        far += abs(error) > AIM
                        print(f"{path.stem:20} {here:8} {ranks:5} {norm:4} {1e3 * model:9.3f} {1e3 * simulated:9.3f} {100 * error:+6.1f}%",
                              flush=True)
    if far:
        print(f"{far} are more than {100 * AIM:.0f} % off")
    sys.exit(bool(far))


if __name__ == "__main__":
    main()
