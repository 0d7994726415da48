#!/usr/bin/env python3
"""What an update of two processes waits for on a network that is slower than this machine's own, beside docs/scale.md's formula E.

    bench/scale/slow_network.py [ROUNDS [LATENCY_SECONDS BYTES_PER_SECOND [minpro train options ...]]]

Every collective call is made to take latency + bytes / bandwidth longer (a system property of org.minpro.dist, which no option
sets). Runs with and without it take turns. Measured is the difference between the medians of an iteration's seconds of training,
with one update in each. Predicted is E: what the bytes of gradients and weights take. Less is waited for where gradients travel
while lanes are at work: the second figure is what the last bucket and the weights take alone.
"""

import json
import os
import pathlib
import statistics
import struct
import sys
import tempfile

import measure

PROCESSES = 2
BUCKET = 1 << 22


def shapes(weights):
    """Elements of each tensor of a safetensors file."""
    with open(weights, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    header.pop("__metadata__", None)
    counts = {}
    for name, tensor in header.items():
        counts[name] = 1
        for size in tensor["shape"]:
            counts[name] *= size
    return counts


def last_bucket(counts):
    """Elements that no layer below hides: see org.minpro.train.Buckets."""
    full = min(BUCKET, (sum(counts.values()) + 3) // 4)
    layers, rest, bucket = {}, 0, 0
    for name, count in counts.items():
        if name.startswith("model.layers.") and not name.endswith("norm.weight"):
            layer = int(name.split(".")[2])
            layers[layer] = layers.get(layer, 0) + count
        elif name.startswith("lm_head."):
            bucket += count
        else:
            rest += count
    for layer in sorted(layers, reverse=True):
        bucket += layers[layer]
        if bucket >= full:
            bucket = 0
    return bucket + rest


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    latency = float(sys.argv[2]) if len(sys.argv) > 2 else 0.001
    bandwidth = float(sys.argv[3]) if len(sys.argv) > 3 else 5e6
    options = sys.argv[4:] or ["--set", "iterations=6"]
    options += ["--set", "updates-per-iteration=1", "--set", "compute.lanes=2", "--set", "checkpoints.every=1000"]
    times = {"as it is": [], "slow": []}
    with tempfile.TemporaryDirectory() as folder:
        runs = pathlib.Path(folder)
        for _ in range(rounds):
            for name in times:
                os.environ.pop("JAVA_TOOL_OPTIONS", None)
                if name == "slow":
                    os.environ["JAVA_TOOL_OPTIONS"] = f"-Dorg.minpro.dist.slow-network={latency},{bandwidth}"
                times[name] += measure.run(runs, PROCESSES, options)
        newest = sorted(runs.iterdir())[-1]
        counts = shapes(sorted(newest.glob("checkpoints/iteration-*"))[-1] / "weights.safetensors")
    parameters = sum(counts.values())
    share = (PROCESSES - 1) / PROCESSES
    weights = 4 * parameters * share / bandwidth
    predicted = weights + 4 * parameters * share / bandwidth
    least = weights + 4 * last_bucket(counts) * share / bandwidth
    medians = {name: statistics.median(time["training_seconds"] for time in each) for name, each in times.items()}
    sent = statistics.median(time["sent_bytes"] for time in times["slow"])
    print(f"parameters {parameters:,}, float32; latency {latency} s, {bandwidth / 1e6:.1f} MB/s")
    print(f"bytes sent in an iteration: {sent:,.0f}, of which gradients and weights {2 * 4 * parameters * share:,.0f}")
    for name, median in medians.items():
        print(f"training, network {name}: {median:.3f} s")
    print(f"waited for: measured {medians['slow'] - medians['as it is']:.3f} s, E {predicted:.3f} s, "
          f"E without what travels beside computing {least:.3f} s")


if __name__ == "__main__":
    main()
