"""Times and weighs a GRPO step with an adapter beside one of the whole model.

    python bench/adapters/step.py CLASS_PATH MODEL_FOLDER [--rank 16] [--dtype bf16] [--steps 3] [--micro-batch-tokens N] [--lanes N]

CLASS_PATH is that of the bench module. Two processes of org.minpro.bench.GrpoStep wait for a line each; steps are asked
for in turn, so that other work on the machine meets both alike. The first step of each warms up. Printed are seconds,
processor seconds and peak resident memory (VmHWM) of each, and the ratios. Linux, Python's own library alone.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("class_path")
parser.add_argument("model")
parser.add_argument("--rank", type=int, default=16)
parser.add_argument("--dtype", default="bf16")
parser.add_argument("--steps", type=int, default=3)
parser.add_argument("--workers", type=int, default=2)
parser.add_argument("--prompts", type=int, default=4)
parser.add_argument("--rows", type=int, default=8)
parser.add_argument("--prompt-tokens", type=int, default=96)
parser.add_argument("--new-tokens", type=int, default=128)
parser.add_argument("--micro-batch-tokens", type=int, default=0, help="by default those of a recipe, as --lanes")
parser.add_argument("--lanes", type=int, default=0)
options = parser.parse_args()

vocabulary = json.loads((pathlib.Path(options.model) / "config.json").read_text())["vocab_size"]
ids = random.Random(1)
workload = {
    "prompts": [[ids.randrange(10, vocabulary) for _ in range(options.prompt_tokens)] for _ in range(options.prompts)],
    "rows_per_prompt": options.rows,
    "new_tokens": options.new_tokens,
}
file = pathlib.Path(tempfile.mkstemp(suffix=".json")[1])
file.write_text(json.dumps(workload))
environment = dict(
    os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", OMP_WAIT_POLICY="passive", MALLOC_ARENA_MAX="1",
    MALLOC_TRIM_THRESHOLD_="1073741824", MALLOC_MMAP_THRESHOLD_="1073741824", ONEDNN_PRIMITIVE_CACHE_CAPACITY="96",
    LRU_CACHE_CAPACITY="32")
java = pathlib.Path(os.environ["JAVA_HOME"]) / "bin/java" if "JAVA_HOME" in os.environ else "java"
TICK = os.sysconf("SC_CLK_TCK")


class Steps:
    def __init__(self, rank):
        self.process = subprocess.Popen(
            [java, "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xmn32m", "--sun-misc-unsafe-memory-access=allow",
             "--add-modules", "jdk.incubator.vector", "-cp", options.class_path, "org.minpro.bench.GrpoStep",
             options.model, str(file), options.dtype, str(options.workers), str(options.micro_batch_tokens), str(rank),
             "auto", str(options.lanes)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        assert self.process.stdout.readline().strip() == "ready"
        self.seconds, self.sampling, self.processor = [], [], []

    def processor_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def step(self):
        before = self.processor_seconds()
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        done = json.loads(self.process.stdout.readline())
        self.seconds.append(done["step"])
        self.sampling.append(done["sampling"])
        self.processor.append(self.processor_seconds() - before)

    def peak(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


both = {"whole": Steps(0), f"rank {options.rank}": Steps(options.rank)}
for _ in range(options.steps + 1):
    for steps in both.values():
        steps.step()
print(f"{options.prompts} x {options.rows} responses of {options.new_tokens} tokens to prompts of {options.prompt_tokens},"
      f" {options.dtype}, {options.workers} workers, median of {options.steps} steps")
peaks = {}
for name, steps in both.items():
    peaks[name] = steps.peak()
    print(f"{name}: {statistics.median(steps.seconds[1:]):.1f} s a step, {statistics.median(steps.sampling[1:]):.1f} s of it"
          f" sampling, {statistics.median(steps.processor[1:]):.1f} processor seconds, peak memory {peaks[name] / 1e9:.2f} GB")
whole, adapted = both.values()
print(f"ratios: seconds {statistics.median(a / w for a, w in zip(adapted.seconds[1:], whole.seconds[1:])):.2f}, processor"
      f" seconds {statistics.median(a / w for a, w in zip(adapted.processor[1:], whole.processor[1:])):.2f}, peak memory"
      f" {adapted.peak() / whole.peak():.2f}")
for steps in both.values():
    steps.close()
file.unlink()
