"""Makes a folder of 300 runs, one of them with a journal of 2 GB, and measures minpro dashboard on it:

    python3 bench/dashboard/measure.py [FOLDER]

The heap is limited to 512 MB. The folder is made once; the index in the cache folder is removed before.
"""

import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

root = pathlib.Path(__file__).resolve().parents[2]
minpro = os.environ.get("MINPRO", str(root / "minpro"))
folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp())
runs, cache = folder / "runs", folder / "cache"
RUNS, ITERATIONS, BYTES = 300, 200, 2_000_000_000


def make():
    numbers = random.Random(1)
    for run in range(1, RUNS + 1):
        at = runs / f"{run:04d}"
        at.mkdir(parents=True)
        (at / "recipe.yaml").write_text(
            f"# minpro train\nseed: {run}\nmodel:\n  path: builtin\niterations: {ITERATIONS}\nlag: 2\nobjective:\n  name: minpro\n"
        )
        with open(at / "metrics.jsonl", "w") as file:
            for i in range(ITERATIONS):
                line = {"iteration": i, "reward": numbers.random(), "accuracy": numbers.random(), "entropy": numbers.random()}
                line |= {f"ratio/p{q:02d}": numbers.random() for q in (1, 5, 25, 50, 75, 95, 99)}
                line |= {f"prefix/minimum_mean_tenth_{t:02d}": numbers.random() for t in range(1, 11)}
                line |= {f"number/{n}": numbers.random() for n in range(40)}
                line["time"] = {"sampling_seconds": 1.5, "training_seconds": 2.5, "ended_at": 1.7e9 + i}
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
        (at / "evaluations.jsonl").write_text(
            '{"iteration":0,"accuracy":0.25,"accuracy_low":0.2,"accuracy_high":0.3,"time":{"seconds":1.0,"ended_at":1.0}}\n'
        )
    # 300 tokens a response, as a small model's: about 6.5 kB a line.
    tails = []
    for _ in range(64):
        ids = [numbers.randrange(50_000) for _ in range(300)]
        tail = {"prompt_ids": ids[:80], "response_ids": ids, "behavior_log_probs": [round(-numbers.random(), 9) for _ in ids]}
        tails.append(json.dumps(tail, separators=(",", ":"))[1:] + "\n")
    written, draw = 0, 0
    with open(runs / "0001" / "journal.jsonl", "w") as file:
        while written < BYTES:
            for sample in range(8):
                head = {
                    "iteration": draw // 32, "draw": draw, "sample": sample, "problem": f"p{draw}", "answer": "42",
                    "finish": "stop" if numbers.random() < 0.9 else "length", "text": "a response of some words " * 40,
                    "score": {"decided": numbers.random() < 0.97, "value": round(numbers.random(), 3), "reason": "", "parts": {}},
                }
                line = json.dumps(head, separators=(",", ":"))[:-1] + "," + numbers.choice(tails)
                file.write(line)
                written += len(line)
            draw += 1


if not runs.is_dir():
    make()
journal = (runs / "0001" / "journal.jsonl").stat().st_size
shutil.rmtree(cache / "index", ignore_errors=True)
# A launcher that starts another process would hide its processor time: the command must become Java itself (exec).
environment = os.environ | {"MINPRO_CACHE": str(cache), "MINPRO_JAVA_OPTIONS": "-Xmx512m"}
server = subprocess.Popen([minpro, "dashboard", str(runs), "--port", "0"], stderr=subprocess.PIPE, text=True, env=environment)
try:
    url = None
    for line in server.stderr:
        if found := re.search(r"http://\S+", line):
            url = found.group()
            break

    def processor():
        """Seconds of processor time that the server has taken: what a busy machine does not change."""
        stat = pathlib.Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def ask(path):
        start = time.monotonic()
        body = urllib.request.urlopen(url + path, timeout=300).read()
        return time.monotonic() - start, body

    before = processor()
    seconds, _ = ask("")
    more, body = ask("api/runs")
    print(f"first page of {len(json.loads(body)['runs'])} runs: {seconds + more:.2f} s, of the processor {processor() - before:.2f} s")
    before = processor()
    print(f"again: {ask('api/runs')[0]:.2f} s, of the processor {processor() - before:.2f} s")
    start, before = time.monotonic(), processor()
    while json.loads(ask("api/rollouts?run=0001")[1]).get("indexing"):
        time.sleep(0.2)
    print(f"index of {journal / 1e9:.2f} GB: {time.monotonic() - start:.1f} s, of the processor {processor() - before:.1f} s")
    for query in (
        "undecided=true", "reward_from=0.9&truncated=true&order=largest_reward", "iteration=50&order=longest",
        "order=largest_ratio",
    ):
        before = processor()
        seconds, body = ask("api/rollouts?run=0001&" + query)
        while "matching" not in (found := json.loads(body)):
            more, body = ask("api/rollouts?run=0001&" + query)
            seconds += more
        print(
            f"filter {query}: {seconds:.2f} s, of the processor {processor() - before:.2f} s,"
            f" {found['matching']} of {found['all']} rollouts"
        )
    print(f"a group: {ask('api/group?run=0001&draw=1000')[0]:.2f} s")
    status = pathlib.Path(f"/proc/{server.pid}/status")
    if status.exists():
        print("memory of the process:", re.search(r"VmHWM:\s+(\d+)", status.read_text()).group(1), "kB at most, heap limited to 512 MB")
finally:
    server.terminate()
    server.wait()
server = subprocess.Popen([minpro, "dashboard", str(runs), "--port", "0"], stderr=subprocess.PIPE, text=True, env=environment)
try:
    url = next(found.group() for line in server.stderr if (found := re.search(r"http://\S+", line)))
    start = time.monotonic()
    while json.loads(urllib.request.urlopen(url + "api/rollouts?run=0001&undecided=true").read()).get("indexing"):
        time.sleep(0.1)
    print(f"first filter of a new server, from the kept index: {time.monotonic() - start:.2f} s")
finally:
    server.terminate()
    server.wait()
