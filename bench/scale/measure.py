#!/usr/bin/env python3
"""Step time of one process with two workers beside two processes with one worker each, in turns on one machine.

    bench/scale/measure.py [ROUNDS [minpro train options ...]]

Prints, for each, the medians over the iterations that trained of the seconds of sampling and of training, tokens per second and the
bytes that rank 0 sent in an iteration, and the ratio of the two. The runs' folders go to a temporary folder and are removed.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(runs, processes, options):
    command = [str(ROOT / "minpro"), "train", "--runs", str(runs), "--show-samples", "0", "--processes", str(processes)]
    command += ["--set", f"compute.workers={2 // processes}", "--set", "evaluation.problems=0", "--lag", "0", *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    newest = sorted(runs.iterdir())[-1]
    lines = (newest / "metrics.jsonl").read_text().splitlines()
    # The first iteration warms up.
    return [json.loads(line)["time"] for line in lines[1:]]


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    options = sys.argv[2:] or ["--set", "iterations=6"]
    times = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for processes in times:
                times[processes] += run(pathlib.Path(folder), processes, options)
    names = [
        "sampling_seconds",
        "training_seconds",
        "sampled_tokens_per_second",
        "trained_tokens_per_second",
        "sent_bytes",
    ]
    for name in names:
        one, two = (statistics.median(time.get(name, 0) for time in times[n]) for n in (1, 2))
        ratio = f"{two / one:.2f}" if one else "-"
        print(f"{name:28} 1 process {one:14.2f}   2 processes {two:14.2f}   ratio {ratio}")


if __name__ == "__main__":
    main()
