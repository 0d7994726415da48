"""Prints what runs measured, a row of Markdown each: python3 bench/environments/report.py RUN...

Held-out problems: the mean value of the first and of the last evaluation, with intervals of 95 %. Rollouts: the first
iteration's, which the base sampled, and the mean of the last three iterations'. Python's own library alone.
"""

import json
import pathlib
import statistics
import sys


def lines(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def value(evaluation):
    return f"{evaluation['accuracy']:.3f} [{evaluation['accuracy_low']:.3f}, {evaluation['accuracy_high']:.3f}]"


for run in map(pathlib.Path, sys.argv[1:]):
    evaluations = lines(run / "evaluations.jsonl")
    metrics = lines(run / "metrics.jsonl")
    names = ["reward", *sorted(name for name in metrics[0] if name.startswith("rewards/")), "completions/mean_length"]
    if run == pathlib.Path(sys.argv[1]):
        columns = ["run", "held-out before", "after", *(f"{name}, before" for name in names), *(f"{name}, after" for name in names)]
        print("| " + " | ".join(columns) + " |")
        print("| --- " * len(columns) + "|")
    before = [f"{metrics[0][name]:.3f}" for name in names]
    after = [f"{statistics.mean(one[name] for one in metrics[-3:]):.3f}" for name in names]
    print("| " + " | ".join([run.parent.name, value(evaluations[0]), value(evaluations[-1]), *before, *after]) + " |")
