"""Asks a side for whole steps, one at a time, and prints medians:

    steps.py NAME STEPS SECONDS COMMAND...

COMMAND says "ready", and then answers each line with figures as JSON (bench/trl). The first step is not counted. After SECONDS no
further step is begun; one that is measured must do then. Memory of the
card is what nvidia-smi shows of all processes; memory of the process its peak. Where a side says how far its sampler is from its
trainer (mean |log mu - log pi|), more than 0.03 is a failure: what is fast must be right too.
"""

import json
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time

name, count, seconds, command = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
on_card = [0]
ended = threading.Event()


def watch():
    while not ended.wait(0.5):
        try:
            used = subprocess.run(
                ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"], capture_output=True, text=True).stdout
        except OSError:
            return
        on_card[0] = max([on_card[0], *map(int, re.findall(r"\d+", used))])


threading.Thread(target=watch, daemon=True).start()
began = time.time()
process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
if not any(line.strip() == "ready" for line in process.stdout):
    sys.exit(f"{name}: must say that it is ready, got: an end")
ready = time.time() - began
steps = []
for _ in range(count + 1):
    process.stdin.write("step\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        sys.exit(f"{name}: must answer with figures, got: an end after {len(steps)} steps")
    steps.append(json.loads(line))
    print(f"{name}: {line.strip()}", flush=True)
    longest = max(step["step"] for step in steps[-2:])
    if len(steps) > 1 and time.time() - began + longest > seconds:
        break
resident = re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{process.pid}/status").read_text())
ended.set()
measured = steps[1:]
step = statistics.median(s["step"] for s in measured)
sampling = statistics.median(s["sampling"] for s in measured)
tokens = measured[0]["tokens"]
allocated = max(s.get("peak", 0) for s in steps)
print(f"{name}: step {step:.3f} s [{min(s['step'] for s in measured):.3f}, {max(s['step'] for s in measured):.3f}] {tokens / step:.0f} tokens/s,"
      f" sampling {sampling:.3f} s {tokens / sampling:.0f} tokens/s, rest {step - sampling:.3f} s,"
      f" first step {steps[0]['step']:.2f} s, ready after {ready:.1f} s")
print(f"{name}: peak {int(resident.group(1)) / 2**20:.2f} GiB of memory, {on_card[0] / 2**10:.2f} GiB of the card's"
      + (f", {allocated / 2**30:.2f} GiB by its allocator" if allocated else ""))
process.stdin.close()
try:
    process.wait(5)
except subprocess.TimeoutExpired:
    process.kill()
mismatch = max((s.get("mismatch", 0) for s in steps), key=lambda far: (far != far, far))
if not mismatch <= 0.03:
    sys.exit(f"{name}: sampler and trainer must agree within 0.03 on average, got: {mismatch}")
