"""Compares what TensorBoard, an MLflow server and wandb read with a run's record: python check.py RUN MLFLOW_URL WANDB_JSON"""

import json
import sys
from pathlib import Path

from mlflow.tracking import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

run, url, wandb_json = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])


def lines(name, prefix):
    """{name: {step: value}}"""
    series = {}
    for line in (run / name).read_text().splitlines():
        row = json.loads(line)
        clock = row.pop("time")
        clock.pop("ended_at")
        step = row.pop("iteration")
        row |= {f"time/{key}": value for key, value in clock.items()}
        for key, value in row.items():
            if isinstance(value, (int, float)):
                series.setdefault(prefix + key, {})[step] = value
    return series


record = lines("metrics.jsonl", "") | lines("evaluations.jsonl", "eval/")
points = sum(len(series) for series in record.values())
print(f"record: {len(record)} names, {points} points")


def same(program, found, close=lambda a, b: a == b):
    assert set(found) == set(record), (program, set(found) ^ set(record))
    for name, series in record.items():
        assert set(found[name]) == set(series), (program, name, found[name], series)
        for step, value in series.items():
            assert close(found[name][step], value), (program, name, step, found[name][step], value)
    print(f"{program}: all {points} points are those of the record")


events = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0, "tensors": 0})
events.Reload()
assert "recipe/text_summary" in events.Tags()["tensors"]
scalars = {tag: {e.step: e.value for e in events.Scalars(tag)} for tag in events.Tags()["scalars"]}
for tag in scalars:
    assert len(events.Scalars(tag)) == len(scalars[tag]), tag
same("TensorBoard", scalars, lambda a, b: abs(a - b) <= 1e-6 * max(1e-30, abs(b)) or abs(a - b) < 1e-38)

client = MlflowClient(url)
experiment = client.get_experiment_by_name("minpro")
(tracked,) = client.search_runs([experiment.experiment_id])
assert tracked.info.status == "FINISHED", tracked.info.status
assert tracked.data.params["staleness.lag"] == "1", tracked.data.params
found = {}
for key in tracked.data.metrics:
    history = client.get_metric_history(tracked.info.run_id, key)
    assert len({m.step for m in history}) == len(history), key
    found[key] = {m.step: m.value for m in history}
same("MLflow", found)

log = json.loads(wandb_json.read_text())
assert log["kinds"][:2] == ["header", "run"] and log["kinds"][-1] == "exit" and log["exit"] == 0, log["kinds"]
assert log["config"]["staleness.lag"] == "1", log["config"]
steps = [row["_step"] for row in log["history"]]
assert steps == sorted(set(steps)), steps
found = {}
for row in log["history"]:
    for key, value in row.items():
        if not key.startswith("_"):
            found.setdefault(key, {})[row["_step"]] = value
same("wandb", found)
