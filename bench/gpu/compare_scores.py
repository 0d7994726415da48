"""compare_scores.py ONE OTHER LIMIT: log-probabilities of two outputs of `minpro score`; fails where the mean difference is above
the limit."""

import json
import sys

one, other = ([x for line in open(file) for x in json.loads(line)["log_probs"] if x is not None] for file in sys.argv[1:3])
if not one or len(one) != len(other):
    sys.exit(f"compare_scores: both must have as many log-probabilities, got: {len(one)} and {len(other)}")
differences = [abs(a - b) for a, b in zip(one, other)]
mean = sum(differences) / len(one)
good = mean <= float(sys.argv[3])
print(f"{'ok' if good else 'FAIL'}: {len(one)} tokens, |difference| mean {mean:.2e}, at most {max(differences):.2e} nats; the mean may be"
      f" {sys.argv[3]}")
sys.exit(not good)
