"""The losses of the wider family of objectives, literally as their formulas are written, differentiated by autograd.py.

A formula sees a row: its valid tokens in order, with x (live log pi), p (its value), mu and prox (other policies), a (advantages), age and
group. It gives the loss of every valid token; a loss of a whole response stands on each of its tokens. Some need all rows.
"""

import math
import struct

from autograd import absolute, arctan, clip, exp, least, most, sg, sigmoid

LIMIT = 20.0


def bounded(x, low=-LIMIT, high=LIMIT):
    return min(max(x, low), high)


class Row:
    def __init__(self, data, i, leaves, anchor):
        places = [t for t, m in enumerate(data["mask"][i]) if m]
        self.places = places
        self.n = len(places)
        self.x = [leaves[i][t] for t in places]
        self.p = [data["log_probs"][i][t] for t in places]
        self.mu = [data["behavior_log_probs"][i][t] for t in places]
        self.prox = [data["proximal_log_probs"][i][t] for t in places] if "proximal_log_probs" in data else None
        self.anchor = self.prox if anchor == "proximal" else self.mu
        self.a = [data["advantages"][i][t] for t in places]
        self.entropy = [data["entropy"][i][t] for t in places] if "entropy" in data else None
        self.collision = [data["collision"][i][t] for t in places] if "collision" in data else None
        self.age = [data["ages"][i][t] for t in places] if "ages" in data else None
        self.group = data["groups"][i] if "groups" in data else None
        # Constants, and the same live: a clamped difference keeps the slope of its token.
        self.d = [bounded(p - q) for p, q in zip(self.p, self.anchor)]
        self.live = [x - p + d for x, p, d in zip(self.x, self.p, self.d)]
        self.r = [exp(l) for l in self.live]

    def mean(self, values):
        return sum(values) / self.n


def pessimistic(a, r, low, high):
    """-min(A r, A clip(r)): PPO's loss of a ratio that is live or not."""
    return most(-a * r, -a * clip(r, low, high))


def window(parameters):
    return 1 - parameters["clip-low"], 1 + parameters["clip-high"]


def straight_through(row, t, value):
    """The value, with the slope of its own token only."""
    return sg(value) * exp(row.x[t] - row.p[t])


def dual_clip(k, row):
    losses = []
    for a, r in zip(row.a, row.r):
        loss = pessimistic(a, r, *window(k))
        losses.append(least(-a * k["dual-clip"], loss) if a < 0 else loss)
    return losses


def gspo_sequence(k, row):
    if not row.n:
        return []
    s = exp(row.mean(row.live))
    return [pessimistic(row.mean(row.a), s, *window(k))] * row.n


def luspo(k, row):
    # mean over rows of T l: on each of the T tokens the loss l, added up over them.
    return gspo_sequence(k, row)


def gmpo(k, row):
    if not row.n:
        return []
    e = k["clip"]
    logs = [least(d, clip(d, -e, e)) if a > 0 else most(d, clip(d, -e, e)) if a < 0 else d for a, d in zip(row.a, row.live)]
    return [-row.mean(row.a) * exp(row.mean(logs))] * row.n


def sapo(k, row):
    losses = []
    for a, r in zip(row.a, row.r):
        tau = k["tau-positive"] if a > 0 else k["tau-negative"]
        losses.append(-a * (4 / tau) * sigmoid(tau * (r - 1)))
    return losses


def topr(k, row):
    product = math.exp(bounded(sum(row.d)))
    return [
        -(1.0 if a > 0 else bounded(product if k["form"] == "trajectory" else math.exp(d), 0, 1)) * a * x
        for a, d, x in zip(row.a, row.d, row.x)
    ]


def tis_reinforce(k, row):
    product = math.exp(bounded(sum(row.d)))
    return [
        -min(product if k["level"] == "sequence" else math.exp(d), k["cap"]) * a * x for a, d, x in zip(row.a, row.d, row.x)
    ]


def kimi(k, row):
    return [-a * x + k["tau"] / 2 * d * d for a, x, d in zip(row.a, row.x, row.live)]


def quantile(values, share):
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    return ordered[below] * (1 - (place - below)) + ordered[min(below + 1, len(ordered) - 1)] * (place - below)


def aspo(k, row):
    losses = []
    for a, x, r, entropy in zip(row.a, row.x, row.r, row.entropy):
        high = "high-entropy-" if entropy > quantile(row.entropy, k["entropy-quantile"]) else ""
        if a > 0:
            limited = least(r, 1 + k[high + "clip-high"])
            if 1 / sg(limited) > k["dual-clip"]:
                losses.append(-a * k["dual-clip"] * x)
            else:
                losses.append(-a * limited / sg(limited) / sg(limited))
        elif sg(r) > k["dual-clip"] and a < 0:
            losses.append(-a * k["dual-clip"] * x)
        else:
            losses.append(most(-a * r, -a * most(r, 1 - k[high + "clip-low"])))
    return losses


def decoupled_ppo(k, row):
    losses = []
    for a, x, p, prox, mu in zip(row.a, row.x, row.p, row.prox, row.mu):
        w = min(math.exp(bounded(prox - mu)), k["cap"])
        losses.append(w * pessimistic(a, math.exp(bounded(p - prox)) * exp(x - p), *window(k)))
    return losses


def a3po(k, row):
    losses = []
    for t, (a, d, age) in enumerate(zip(row.a, row.d, row.age)):
        alpha = bounded((age - 1) / age, 0, 1) if age > 0 else 0.0
        mixed = math.exp(alpha * d) if k["mixture"] == "logarithms" else (1 - alpha) + alpha * math.exp(d)
        losses.append(min(mixed, k["cap"]) * pessimistic(a, straight_through(row, t, math.exp(d) / mixed), *window(k)))
    return losses


def minirl(k, row):
    low, high = window(k)
    losses = []
    for a, x, p, prox, mu in zip(row.a, row.x, row.p, row.prox, row.mu):
        decides = math.exp(bounded(p - prox))
        keep = not (decides > high if a > 0 else decides < low)
        losses.append(-a * min(math.exp(bounded(p - mu)), k["cap"]) * keep * x)
    return losses


def tv_keeps(k, a, p, q):
    return p - q <= k["delta-high"] if a > 0 else p - q >= -k["delta-low"]


def dppo_tv(k, row):
    return [
        -a * min(math.exp(d), k["cap"]) * tv_keeps(k, a, math.exp(p), math.exp(q)) * x
        for a, d, p, q, x in zip(row.a, row.d, row.p, row.anchor, row.x)
    ]


def dppo_kl(k, row):
    losses = []
    for a, d, lp, lq, x in zip(row.a, row.d, row.p, row.anchor, row.x):
        p, q = math.exp(lp), math.exp(lq)
        kl = q * (lq - lp) + (1 - q) * math.log((1 - q + 1e-8) / (1 - p + 1e-8))
        keep = (kl <= k["delta-high"] or p <= q) if a > 0 else (kl <= k["delta-low"] or p >= q)
        losses.append(-a * min(math.exp(d), k["cap"]) * keep * x)
    return losses


def drpo(k, row):
    losses = []
    for a, r, lq in zip(row.a, row.r, row.anchor):
        losses.append(-a * r + abs(a) * math.exp(lq) * (r - 1) * (r - 1) / (2 * k["delta"]))
    return losses


def prime_rl(k, row):
    return [
        -a * r * tv_keeps(k, a, math.exp(p), math.exp(q)) + k["kl"] * l * l
        for a, r, l, p, q in zip(row.a, row.r, row.live, row.p, row.anchor)
    ]


def running(values):
    total, sums = 0.0, []
    for value in values:
        total += value
        sums.append(total)
    return sums


def ctpo(k, row):
    losses = []
    for t, (a, total) in enumerate(zip(row.a, running(row.d))):
        log = total if k["prefix"] == "cumulative" else total / (t + 1)
        log = row.x[t] - row.p[t] + bounded(log, -LIMIT, 10)
        low, high = -k["low"] * (t + 1) ** k["power"], k["high"] * (t + 1) ** k["power"]
        loss = most(-a * exp(log), -a * exp(clip(log, low, high)))
        losses.append(least(loss, -a * math.exp(high)) if a < 0 else loss)
    return losses


def weight_or_clip(k, row, logs):
    losses = []
    for t, (a, log) in enumerate(zip(row.a, logs)):
        ratio = math.exp(bounded(log))
        if k["form"] == "weight":
            losses.append(-bounded(ratio, k["floor"], k["cap"]) * a * row.x[t])
        else:
            losses.append(pessimistic(a, straight_through(row, t, ratio), *window(k)))
    return losses


def pnpo(k, row):
    return weight_or_clip(k, row, [total / (t + 1) for t, total in enumerate(running(row.d))])


def cppo(k, row):
    divergences = [abs(math.exp(p) - math.exp(q)) for p, q in zip(row.p, row.anchor)]
    if not divergences:
        return []
    budget = bounded(quantile(divergences, k["quantile"]), k["budget"], 2 * k["budget"])
    weights = [1 - (1 - k["weight"]) * t / max(row.n - 1, 1) for t in range(row.n)]
    z = [w * divergence for w, divergence in zip(weights, divergences)]
    losses = []
    for t in range(row.n):
        threshold = min(k["delta"], k["delta"] + budget * sum(weights[:t]) - sum(z[:t]))
        keep = row.a[t] * (math.exp(row.d[t]) - 1) <= 0 or z[t] <= threshold
        losses.append(-row.a[t] * min(math.exp(row.d[t]), k["cap"]) * keep * row.x[t])
    return losses


def vespo(k, row):
    log = bounded(sum(row.d), math.log(1e-8), LIMIT)
    losses = []
    for a, x in zip(row.a, row.x):
        power, rate = (k["k-negative"], k["lambda-negative"]) if a < 0 else (k["k-positive"], k["lambda-positive"])
        losses.append(-math.exp(rate + power * log - rate * math.exp(log)) * a * x)
    return losses


def sspo(k, row):
    if not row.n:
        return []
    tau = k["tau"]
    return [-row.mean(row.a) * exp(row.mean([arctan(tau * d) / tau for d in row.live]))] * row.n


def kpo(k, row):
    q, v = k["process-noise"], k["observation-noise"]
    variance, x = (-q + math.sqrt(q * q + 4 * v * q)) / 2, 0.0
    losses = []
    for t, (a, z) in enumerate(zip(row.a, row.d)):
        predicted = variance + q
        gain = predicted / (predicted + v)
        x, variance = x + gain * (z - x), (1 - gain) * predicted
        losses.append(pessimistic(a, straight_through(row, t, math.exp(x)), *window(k)))
    return losses


def trm(k, row):
    if not row.n:
        return []
    k3 = [math.exp(d) - 1 - d for d in row.d]
    keep = (max(k3) if k["criterion"] == "max" else row.mean(k3)) <= k["threshold"]
    return [-a * r * keep for a, r in zip(row.a, row.r)]


def mis_po(k, row):
    if not row.n:
        return []
    d = [bounded(prox - mu) for prox, mu in zip(row.prox, row.mu)]
    response = k["response-low"] <= math.exp(row.mean(d)) <= k["response-high"]
    return [-(response and k["token-low"] <= math.exp(e) <= k["token-high"]) * a * x for e, a, x in zip(d, row.a, row.x)]


def opsm(k, row):
    if not row.n:
        return []
    behind = row.mean([-d for d in row.d]) > k["threshold"]
    return [pessimistic(a, r, *window(k)) * (0.0 if a < 0 and behind else 1.0) for a, r in zip(row.a, row.r)]


def vcpo(k, rows):
    losses = []
    for row in rows:
        baseline = 0.0
        if k["baseline"]:
            group = [other for other in rows if other.n and other.group == row.group]
            spread = [math.exp(bounded(sum(o.d))) ** 2 * sum(1 - 2 * math.exp(p) + c for p, c in zip(o.p, o.collision)) for o in group]
            if len(group) > 1 and sum(spread) > 0:
                baseline = sum(v * o.mean(o.a) for v, o in zip(spread, group)) / sum(spread)
        weight = min(math.exp(bounded(sum(row.d))), k["cap"])
        losses.append([-weight * (a - baseline) * exp(x - p) for a, x, p in zip(row.a, row.x, row.p)])
    return losses


def exclusive_prefix_logs(k, d):
    kind, logs, average = k["kind"], [], 0.0
    for t in range(len(d)):
        before = d[:t]
        last = before[-k["window"]:]
        logs.append({
            "product": lambda: sum(before),
            "window": lambda: sum(last),
            "minimum": lambda: min(before, default=0.0),
            "window-minimum": lambda: min(last, default=0.0),
            "geometric-mean": lambda: sum(before) / max(1, len(before)),
            "v-trace": lambda: sum(min(0.0, e) for e in before),
            "moving-average": lambda: average,
        }[kind]())
        average = k["decay"] * average + (1 - k["decay"]) * d[t]
    return logs


def prefix_weight(k, rows):
    if k["kind"] not in ("batch-normalised", "group-normalised"):
        logs = [exclusive_prefix_logs(k, row.d) for row in rows]
    else:
        logs = [exclusive_prefix_logs({**k, "kind": "product"}, row.d) for row in rows]
        if k["kind"] == "batch-normalised":
            products = [math.exp(bounded(log)) for row in logs for log in row]
            mean = math.log(sum(products) / len(products)) if products else 0.0
            logs = [[log - mean for log in row] for row in logs]
        else:
            means = {}
            for row, ofrow in zip(rows, logs):
                for t, log in enumerate(ofrow):
                    means.setdefault((row.group, t), []).append(log)
            logs = [[log - sum(means[row.group, t]) / len(means[row.group, t]) for t, log in enumerate(ofrow)]
                    for row, ofrow in zip(rows, logs)]
    return [weight_or_clip(k, row, [log + d for log, d in zip(ofrow, row.d)]) for row, ofrow in zip(rows, logs)]


def gepo(k, rows):
    losses = []
    q = [math.exp(row.mean(row.anchor)) if row.n else 0.0 for row in rows]
    for row in rows:
        if not row.n:
            losses.append([])
            continue
        group = [q[j] for j, other in enumerate(rows) if other.group == row.group]
        expectation = sum(e * e for e in group) / sum(group)
        log = row.mean(row.x) - math.log(expectation)
        w = exp(log) if abs(log.value) <= LIMIT else math.exp(bounded(log.value)) * exp(row.mean(row.x) - row.mean(row.p))
        losses.append([pessimistic(row.mean(row.a), w, *window(k))] * row.n)
    return losses


def covariances(rows):
    a = [e for row in rows for e in row.a]
    p = [e for row in rows for e in row.p]
    mean_a, mean_p = (sum(a) / len(a), sum(p) / len(p)) if a else (0.0, 0.0)
    return {(i, t): (row.a[t] - mean_a) * (row.p[t] - mean_p) for i, row in enumerate(rows) for t in range(row.n)}


def philox(counter, key):
    """Philox4x32-10 (Salmon et al., SC 2011)."""
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        first, second = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [second >> 32 ^ c[1] ^ k0, second & 0xFFFFFFFF, first >> 32 ^ c[3] ^ k1, first & 0xFFFFFFFF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


def float_bits(x):
    return struct.unpack("<I", struct.pack("<f", x))[0]


def clip_cov(k, rows):
    cov = covariances(rows)
    low, high = window(k)
    candidates = []
    for (i, t), value in cov.items():
        a, r = rows[i].a[t], math.exp(rows[i].d[t])
        if k["cov-low"] < value < k["cov-high"] and not (a > 0 and r > high or a < 0 and r < low):
            # Purpose 7 of the project's random numbers: counter (place, sample, draw, purpose).
            words = philox((t + 1, float_bits(a), float_bits(rows[i].p[t]), 7), (k["seed"], 0))
            candidates.append((words[1] << 32 | words[0], (i, t)))
    chosen = {place for _, place in sorted(candidates)[: max(1, int(k["fraction"] * len(cov)))]}
    return [[pessimistic(a, r, low, high) * (0.0 if (i, t) in chosen else 1.0)
             for t, (a, r) in enumerate(zip(row.a, row.r))] for i, row in enumerate(rows)]


def kl_cov(k, rows):
    cov = covariances(rows)
    held = set(sorted(cov, key=lambda place: -cov[place])[: max(1, int(k["fraction"] * len(cov)))])
    return [[-a * r + (k["coefficient"] * absolute(l) if (i, t) in held else 0.0)
             for t, (a, r, l) in enumerate(zip(row.a, row.r, row.live))] for i, row in enumerate(rows)]


OF_ROWS = {"clip-cov": clip_cov, "gepo": gepo, "kl-cov": kl_cov, "prefix-weight": prefix_weight, "vcpo": vcpo}
OF_ROW = {name.replace("_", "-"): function for name, function in list(globals().items()) if name in (
    "dual_clip", "gspo_sequence", "luspo", "gmpo", "sapo", "topr", "tis_reinforce", "kimi", "aspo", "decoupled_ppo", "a3po", "minirl",
    "dppo_tv", "dppo_kl", "drpo", "prime_rl", "ctpo", "pnpo", "cppo", "vespo", "sspo", "kpo", "trm", "mis_po", "opsm")}

# The aggregation of those that fix one.
REQUIRED = {"gspo-sequence": "seq-mean-token-mean", "luspo": "seq-mean-token-sum", "gmpo": "seq-mean-token-mean",
            "sspo": "seq-mean-token-mean", "gepo": "seq-mean-token-mean"}
# What they read beside the policy that sampled.
READS = {"decoupled-ppo": "proximal", "minirl": "proximal", "mis-po": "proximal", "a3po": "ages", "aspo": "entropy", "gepo": "groups",
         "prefix-weight": "groups", "vcpo": "groups and collisions"}

PPO = {"clip-low": 0.2, "clip-high": 0.2}
FORM = {"floor": 0.0, "cap": 5.0, "clip-low": 0.2, "clip-high": 0.28}
PREFIX = {"kind": "minimum", "window": 32, "decay": 0.9, "form": "weight", **FORM}
KINDS = ["product", "window", "window-minimum", "geometric-mean", "v-trace", "moving-average", "batch-normalised", "group-normalised"]
SEQUENCE = {"clip-low": 3e-4, "clip-high": 4e-4}
CTPO = {"prefix": "cumulative", "low": 0.025, "high": 0.05, "power": 0.5}
ASPO = {**PPO, "high-entropy-clip-low": 0.4, "high-entropy-clip-high": 0.4, "entropy-quantile": 0.8, "dual-clip": 3.0}
A3PO = {**PPO, "cap": 5.0, "mixture": "logarithms"}
VCPO = {"cap": 8.0, "baseline": True, "rate-exponent": 0.5}
COV = {**PPO, "fraction": 2e-4, "cov-low": 1.0, "cov-high": 5.0, "seed": 0}

# The defaults first, as in objectives.py.
PARAMETERS = {
    "dual-clip": [{**PPO, "dual-clip": 3.0}, {**PPO, "dual-clip": 1.2}],
    "gspo-sequence": [SEQUENCE, {"clip-low": 0.1, "clip-high": 0.1}],
    "luspo": [{"clip-low": 2e-3, "clip-high": 2.5e-3}, {"clip-low": 0.1, "clip-high": 0.1}],
    "gmpo": [{"clip": 0.4}, {"clip": 0.1}],
    "sapo": [{"tau-positive": 1.0, "tau-negative": 1.05}, {"tau-positive": 3.0, "tau-negative": 0.5}],
    "topr": [{"form": "trajectory"}, {"form": "token"}],
    "tis-reinforce": [{"level": "token", "cap": 2.0}, {"level": "sequence", "cap": 1.5}],
    "kimi": [{"tau": 0.1}, {"tau": 2.0}],
    "aspo": [ASPO, {**ASPO, "dual-clip": 1.3}, {**ASPO, "entropy-quantile": 0.3, "high-entropy-clip-low": 0.1},
             {**ASPO, "high-entropy-clip-low": 0.2, "high-entropy-clip-high": 0.2}],
    "decoupled-ppo": [{**PPO, "cap": 5.0}, {**PPO, "cap": 1.1}],
    "a3po": [A3PO, {**A3PO, "cap": 1.1}, {**A3PO, "mixture": "probabilities"}],
    "minirl": [{**PPO, "cap": 10.0}, {**PPO, "cap": 1.1}],
    "dppo-tv": [{"delta-low": 0.15, "delta-high": 0.15, "cap": 20.0}, {"delta-low": 0.02, "delta-high": 0.05, "cap": 1.1}],
    "dppo-kl": [{"delta-low": 0.05, "delta-high": 0.05, "cap": 20.0}, {"delta-low": 0.002, "delta-high": 0.005, "cap": 1.1}],
    "drpo": [{"delta": 12.5}, {"delta": 0.15}],
    "prime-rl": [{"delta-low": 0.2, "delta-high": 0.2, "kl": 1e-3}, {"delta-low": 0.02, "delta-high": 0.05, "kl": 0.3}],
    "ctpo": [CTPO, {**CTPO, "prefix": "geometric", "power": -0.5}, {**CTPO, "low": 0.3, "high": 0.5}],
    "pnpo": [{"form": "clip", **FORM}, {"form": "weight", **FORM}],
    "cppo": [{"delta": 0.15, "budget": 0.02, "quantile": 0.9, "weight": 0.8, "cap": 20.0},
             {"delta": 0.05, "budget": 0.01, "quantile": 0.5, "weight": 0.1, "cap": 1.1}],
    "vespo": [{"k-positive": 2.0, "lambda-positive": 3.0, "k-negative": 3.0, "lambda-negative": 2.0}],
    "sspo": [{"tau": 1.0}, {"tau": 4.0}],
    "gepo": [PPO, {"clip-low": 0.6, "clip-high": 0.9}],
    "kpo": [{"process-noise": 1e-6, "observation-noise": 1.0, **SEQUENCE},
            {"process-noise": 0.1, "observation-noise": 0.5, "clip-low": 0.05, "clip-high": 0.05}],
    "trm": [{"criterion": "max", "threshold": 0.05}, {"criterion": "average", "threshold": 0.05}],
    "mis-po": [{"token-low": 0.5, "token-high": 2.0, "response-low": 0.996, "response-high": 1.001},
               {"token-low": 0.8, "token-high": 1.2, "response-low": 0.7, "response-high": 1.4}],
    "opsm": [{"threshold": 0.5, **PPO}, {"threshold": 0.01, **PPO}],
    "vcpo": [VCPO, {**VCPO, "cap": 1.1}, {**VCPO, "baseline": False}],
    "clip-cov": [COV, {**COV, "fraction": 0.3, "cov-low": 0.0, "seed": 5}],
    "kl-cov": [{"fraction": 2e-4, "coefficient": 0.1}, {"fraction": 0.3, "coefficient": 1.0}],
    "prefix-weight": [PREFIX] + [{**PREFIX, "kind": kind, "window": 2} for kind in KINDS] + [{**PREFIX, "form": "clip"}],
}


def token_losses(name, parameters, data, anchor, leaves):
    """The live losses of the valid tokens of each row, and their places."""
    rows = [Row(data, i, leaves, anchor) for i in range(len(data["mask"]))]
    if name in OF_ROWS:
        losses = OF_ROWS[name](parameters, rows)
    else:
        losses = [OF_ROW[name](parameters, row) if row.n else [] for row in rows]
    return [dict(zip(row.places, ofrow)) for row, ofrow in zip(rows, losses)]
