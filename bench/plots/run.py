"""Draws docs/run.png from the metrics of runs: python run.py OUT.png NAME=RUN_FOLDER ...

Needs matplotlib. Several folders with one name are drawn in one colour.
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def series(folder, key):
    xs, ys = [], []
    for line in (Path(folder) / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row.get(key) is not None:
            xs.append(row["iteration"] + 1)
            ys.append(row[key])
    return xs, ys


def smooth(ys, width=3):
    return [sum(ys[max(0, i - width + 1) : i + 1]) / len(ys[max(0, i - width + 1) : i + 1]) for i in range(len(ys))]


def main():
    out, runs = sys.argv[1], [argument.split("=", 1) for argument in sys.argv[2:]]
    names = list(dict.fromkeys(name for name, _ in runs))
    colours = {name: f"C{i}" for i, name in enumerate(names)}
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), dpi=110)
    labelled = set()
    for name, folder in runs:
        label = None if name in labelled else name
        labelled.add(name)
        xs, ys = series(folder, "accuracy")
        left.plot(xs, smooth(ys), color=colours[name], label=label, alpha=0.85, linewidth=1.3)
        xs, ys = series(folder, "prefix/minimum_mean_tenth_10")
        right.plot(xs, ys, color=colours[name], alpha=0.85, linewidth=1.3)
    left.set_title("share of right answers while training (mean of 3 iterations)", fontsize=9)
    right.set_title("mean minimum prefix ratio, last tenth of the responses", fontsize=9)
    for axis in (left, right):
        axis.set_xlabel("iteration")
        axis.grid(alpha=0.3)
    left.set_ylim(0, 1)
    right.set_ylim(0, 1.05)
    left.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(out)


main()
