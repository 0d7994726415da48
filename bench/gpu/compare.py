"""compare.py ONE OTHER LIMIT: two outputs of minpro score; the mean difference must be at most LIMIT, nats."""

import json
import sys

one, other = (
    [x for line in open(name) for x in json.loads(line)["log_probs"] if x is not None] for name in sys.argv[1:3]
)
assert one and len(one) == len(other), (len(one), len(other))
differences = [abs(a - b) for a, b in zip(one, other)]
mean = sum(differences) / len(one)
print(f"{len(one)} log-probabilities: difference {mean:.1e} in the mean, {max(differences):.1e} at most")
sys.exit(mean > float(sys.argv[3]))
