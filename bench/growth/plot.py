"""Draws what measure.py found (JSON on stdin) into the file that is named."""

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

results = json.load(sys.stdin)
axes_of = {"length": "tokens", "rows": "rows", "parameters": "parameters"}
figure, axes = plt.subplots(1, 3, figsize=(13, 4))
for axis, (name, points) in zip(axes, results.items()):
    key = axes_of[name]
    groups = {}
    for point in points:
        groups.setdefault("" if name == "parameters" else f"{point['parameters'] / 1e6:.1f} M, ", []).append(point)
    for label, group in groups.items():
        for part, style in (("sampling", "-"), ("gradient", "--")):
            axis.plot(
                [p[key] for p in group], [p["generated"] / p[part] for p in group], style, marker="o",
                label=f"{label}{part}")
    axis.set_xscale("log", base=10 if name == "parameters" else 2)
    axis.set_yscale("log")
    axis.set_xlabel({"length": "tokens of a response", "rows": "rows", "parameters": "parameters"}[name])
    axis.set_ylabel("response tokens per second")
    axis.grid(True, which="both", alpha=0.3)
    axis.legend(fontsize=8)
figure.tight_layout()
figure.savefig(sys.argv[1], dpi=110)
