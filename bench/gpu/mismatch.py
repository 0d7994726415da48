"""What the sampler says of its tokens beside what the trainer's pass says of them, with the built-in model:

    mismatch.py RUN DEVICE f32|bf16 FOLDER LIMIT

fails where the mean of |log pi - log mu| is above the limit. FOLDER/scored-DTYPE.jsonl has what was scored, for a score elsewhere.
"""

import json
import math
import random
import subprocess
import sys

run, device, dtype, folder, limit = sys.argv[1:]
SAMPLES = 8
random.seed(1)


def sum_of_seven():
    """Ids of the built-in model: digit d is d + 3, + is 13, = is 15."""
    terms = [[random.randint(4, 12), random.randint(3, 12), 13] for _ in range(7)]
    return [token for term in terms for token in term][:-1] + [15]


def minpro(command, lines, file, *options):
    with open(file, "w") as written:
        written.writelines(json.dumps(dict(ids=ids)) + "\n" for ids in lines)
    done = subprocess.run(
        [run, "minpro", command, "--input", file, "--dtype", dtype, "--device", device, *options], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command} must end with 0, got {done.returncode}: {done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


prompts = [sum_of_seven() for _ in range(32)]
drawn = minpro(
    "generate", prompts, f"{folder}/prompts.jsonl", "--samples", str(SAMPLES), "--max-new-tokens", "96", "--seed", "3")
if len(drawn) != len(prompts) * SAMPLES:
    sys.exit(f"generate must give {len(prompts) * SAMPLES} rows, got: {len(drawn)}")
whole = [prompts[i // SAMPLES] + row["completion_ids"] for i, row in enumerate(drawn)]
scored = minpro("score", whole, f"{folder}/scored-{dtype}.jsonl")
differences = [
    pi - mu
    for row, ids, score in zip(drawn, whole, scored)
    for mu, pi in zip(row["log_probs"], score["log_probs"][len(ids) - len(row["completion_ids"]):])]
mean = sum(map(abs, differences)) / len(differences)
divergence = sum(math.exp(x) - 1 - x for x in differences) / len(differences)
good = mean <= float(limit)
print(f"{'ok' if good else 'FAIL'}: {dtype} on {device}, {len(differences)} tokens of {len(drawn)} rows, |log pi - log mu| mean {mean:.2e}, at most"
      f" {max(map(abs, differences)):.2e}, KL {divergence:.2e}; the mean may be {limit}")
sys.exit(not good)
