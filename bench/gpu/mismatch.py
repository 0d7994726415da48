"""mismatch.py RUN DEVICE DTYPE FOLDER LIMIT: log mu of sampled tokens beside log pi of a pass over the same rows.

The mean difference must be at most LIMIT, nats. FOLDER/rows-DTYPE.jsonl gets the rows, to score them elsewhere.
"""

import json
import math
import random
import subprocess
import sys

run, device, dtype, folder, limit = sys.argv[1:6]
SAMPLES = 8
random.seed(1)
# Ids of the built-in model: a digit is its value + 3, + is 13, = is 15.
prompts = [[*(random.choice([*range(3, 13)]) for _ in range(11)), 13, 4, 15] for _ in range(32)]
prompt_file = f"{folder}/prompts.jsonl"
with open(prompt_file, "w") as file:
    file.writelines(json.dumps({"ids": ids}) + "\n" for ids in prompts)


def minpro(*arguments):
    done = subprocess.run(
        [run, "minpro", *arguments, "--dtype", dtype, "--device", device], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{arguments[0]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


drawn = minpro("generate", "--input", prompt_file, "--samples", str(SAMPLES), "--max-new-tokens", "96", "--seed", "3")
assert len(drawn) == SAMPLES * len(prompts), len(drawn)
rows = f"{folder}/rows-{dtype}.jsonl"
with open(rows, "w") as file:
    for ordinal, row in enumerate(drawn):
        file.write(json.dumps({"ids": prompts[ordinal // SAMPLES] + row["completion_ids"]}) + "\n")
differences = []
for ordinal, (row, scored) in enumerate(zip(drawn, minpro("score", "--input", rows))):
    behind = scored["log_probs"][len(prompts[ordinal // SAMPLES]) :]
    differences += [pi - mu for mu, pi in zip(row["log_probs"], behind, strict=True)]
mean = sum(map(abs, differences)) / len(differences)
divergence = sum(math.exp(x) - 1 - x for x in differences) / len(differences)
print(f"{len(differences)} tokens in {dtype}: |log pi - log mu| {mean:.1e} in the mean,"
      f" {max(map(abs, differences)):.1e} at most; KL {divergence:.1e}")
sys.exit(mean > float(limit))
