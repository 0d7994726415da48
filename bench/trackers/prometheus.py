"""Compares what Prometheus's own parser reads on the dashboard's port with a run's last line: python prometheus.py RUN URL"""

import json
import math
import re
import sys
import time
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

run, url = Path(sys.argv[1]), sys.argv[2]
for _ in range(120):
    try:
        text = urllib.request.urlopen(url).read().decode()
        break
    except OSError:
        time.sleep(0.5)
found = {}
for family in text_string_to_metric_families(text):
    assert family.type == "gauge", family
    for sample in family.samples:
        assert sample.labels == {"run": run.name}, sample
        assert sample.name not in found, sample
        found[sample.name] = sample.value
last = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
clock = last.pop("time")
clock.pop("ended_at")
done = last.pop("iteration") + 1
last |= {f"time/{key}": value for key, value in clock.items()}
expected = {"minpro_" + re.sub("[^A-Za-z0-9_]", "_", name): value for name, value in last.items() if isinstance(value, (int, float))}
expected |= {"minpro_running": 0, "minpro_iterations_done": done, "minpro_iterations_due": done}
assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
for name, value in expected.items():
    assert math.isclose(found[name], value, rel_tol=1e-15), (name, found[name], value)
print(f"Prometheus: all {len(found)} samples are the numbers of the last line")
