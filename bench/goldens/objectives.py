#!/usr/bin/env python3
"""Golden losses, gradients and ratios of objectives, corrections and penalties, token by token in float64.

Independent of the Java code and of any tensor library: plain loops over the formulas of docs/objectives.md, for the first
objectives with the gradient coefficients written out by hand, for the others (family.py) differentiated by autograd.py.
Needs Python 3.9 or newer and nothing else.

    python3 bench/goldens/objectives.py core/src/test/resources

writes objectives/NAME.json for every objective, corrections/NAME.json, penalties/NAME.json and ratios/ratios.json.
"""

import json
import math
import random
import sys
from pathlib import Path

import family
from autograd import Var, var

LIMIT = 20.0


def clamp(x, low=-LIMIT, high=LIMIT):
    return min(max(x, low), high)


# ---- batches: lists of rows, a masked token has mask 0 and numbers that must not matter -----------------------------


def batch(seed, lengths, width, spread, hole=0.0, per_token_advantages=False, proximal=False):
    source = random.Random(seed)
    rows = {"log_probs": [], "behavior_log_probs": [], "advantages": [], "mask": []}
    if proximal:
        rows["proximal_log_probs"] = []
    for length in lengths:
        advantage = round(source.gauss(0, 1), 3)
        row = {key: [] for key in rows}
        for t in range(width):
            log_prob = round(-source.expovariate(1.0) - 0.01, 6)
            row["log_probs"].append(log_prob)
            row["behavior_log_probs"].append(round(min(-0.001, log_prob - source.gauss(0, spread)), 6))
            if proximal:
                row["proximal_log_probs"].append(round(min(-0.001, log_prob - source.gauss(0, spread / 2)), 6))
            row["advantages"].append(round(source.gauss(0, 1), 3) if per_token_advantages else advantage)
            row["mask"].append(1 if t < length and source.random() >= hole else 0)
        for key in rows:
            rows[key].append(row[key])
    return rows


def extreme(proximal=False):
    """Ratios from 1e-9 to 1e9: their logarithms reach +-20.7 and are clamped."""
    likely, unlikely = -0.1, -0.1 - math.log(1e9)
    up, down, same = (likely, unlikely), (unlikely, likely), (-1.0, -1.0)
    patterns = [
        [up, up, up, up, same, down],
        [down, down, down, up, up, same],
        [same, up, down, up, down, same],
        [(-3.0, -0.5), down, (-0.2, -4.0), up, up, up],
    ]
    rows = {
        "log_probs": [[token[0] for token in row] for row in patterns],
        "behavior_log_probs": [[token[1] for token in row] for row in patterns],
        "advantages": [[a] * 6 for a in (1.0, -1.0, 0.5, -2.0)],
        "mask": [[1] * 6, [1] * 6, [1, 1, 0, 1, 1, 1], [1] * 6],
    }
    if proximal:
        rows["proximal_log_probs"] = [[likely, unlikely, -1.0, -2.0, unlikely, likely] for _ in patterns]
    return rows


def ties():
    """Equal ratios in and across rows, advantages of zero."""
    differences = [[0.3, -0.4, 0.3, -0.4, 0.3], [-0.4, -0.4, -0.4, 0.0, 0.3], [0.0] * 5, [0.7, 0.7, -0.7, -0.7, 0.7]]
    return {
        "log_probs": [[-1.25] * 5 for _ in differences],
        "behavior_log_probs": [[-1.25 - d for d in row] for row in differences],
        "advantages": [[1.0] * 5, [-1.0] * 5, [0.0] * 5, [1.0, -1.0, 1.0, -1.0, 0.0]],
        "mask": [[1] * 5, [1, 1, 0, 1, 1], [1] * 5, [1] * 5],
    }


BATCHES = {
    "rows of several lengths": batch(1, [9, 4, 9, 1, 6], 9, 0.3),
    "holes in the mask and an empty row": batch(2, [8, 0, 8, 5], 8, 0.4, hole=0.35),
    "one token wide": batch(3, [1, 1, 0, 1], 1, 0.5),
    "an advantage for each token": batch(4, [7, 7, 3], 7, 0.3, hole=0.1, per_token_advantages=True),
    "hardly off policy": batch(5, [6, 6, 6, 6], 6, 0.0006),
    "a long row": batch(6, [200], 200, 0.15),
    "extreme ratios": extreme(),
    "ties": ties(),
}
PROXIMAL = batch(7, [6, 3, 6], 6, 0.4, hole=0.15, proximal=True)
# What corrections and penalties are evaluated on; the last one is as far off as numbers go.
WITH_PROXIMAL = {
    "rows of several lengths": batch(8, [9, 4, 9, 1, 6], 9, 0.3, proximal=True),
    "holes in the mask and an empty row": batch(9, [8, 0, 8, 5], 8, 0.6, hole=0.35, proximal=True),
    "one token wide": batch(10, [1, 1, 0, 1], 1, 0.5, proximal=True),
    "an advantage for each token": batch(11, [7, 7, 3], 7, 0.3, 0.1, per_token_advantages=True, proximal=True),
    "hardly off policy": batch(12, [6, 6, 6, 6], 6, 0.0006, proximal=True),
    "a long row": batch(13, [60], 60, 0.9, proximal=True),
    "extreme ratios": extreme(proximal=True),
}


# ---- ratios of one row: lists over its valid tokens -----------------------------------------------------------------


def log_ratios(data, i, anchor):
    other = data["proximal_log_probs" if anchor == "proximal" else "behavior_log_probs"]
    return [clamp(p - q) for p, q, m in zip(data["log_probs"][i], other[i], data["mask"][i]) if m]


def prefix_logs(d):
    logs, total = [], 0.0
    for x in d:
        total += x
        logs.append(clamp(total))
    return logs


def prefix_minimum_logs(d, includes_one):
    logs = []
    for t in range(len(d)):
        minimum = min(d[:t]) if t else 0.0
        logs.append(min(minimum, 0.0) if includes_one else minimum)
    return logs


def sequence_log(d):
    return clamp(sum(d) / len(d)) if d else 0.0


# ---- token losses: (loss, d loss / d log pi) for each valid token ---------------------------------------------------


def weighted(weight, advantage, log_prob):
    return -weight * advantage * log_prob, -weight * advantage


def ppo(ratio, advantage, low, high):
    clipped = (advantage > 0 and ratio > high) or (advantage < 0 and ratio < low)
    if clipped:
        return -advantage * (high if advantage > 0 else low), 0.0
    return -advantage * ratio, -advantage * ratio


def m2po_window(parameters, tokens):
    squares = sorted(d * d for d, a in tokens if (a > 0 and d > 0) or (a < 0 and d < 0))
    threshold = parameters["threshold"]
    if not squares or sum(squares) / len(squares) <= threshold:
        return 0.0, math.inf
    low, high = 0.0, squares[-1]
    for _ in range(200):  # bisection for tau^2: the sum of min(square, tau^2) grows with tau^2
        middle = (low + high) / 2
        if sum(min(square, middle) for square in squares) < threshold * len(squares):
            low = middle
        else:
            high = middle
    tau = math.sqrt(high)
    return min(math.exp(-tau), 1 - parameters["clip-low"]), max(math.exp(tau), 1 + parameters["clip-high"])


def m2po_kept(parameters, tokens):
    """The largest set {square < s} whose mean is within the threshold; the smallest squares always stay."""
    squares = [d * d for d, _ in tokens]
    kept = min(squares, default=0.0)
    for candidate in sorted(set(squares)):
        below = [square for square in squares if square <= candidate]
        if sum(below) / len(below) <= parameters["threshold"]:
            kept = candidate
            continue
        # A part of the tokens of equal square would still fit, or none: they go together.
        break
    return kept


def token_losses(name, parameters, data, anchor):
    rows = range(len(data["mask"]))
    ds = [log_ratios(data, i, anchor) for i in rows]
    valid = [[t for t, m in enumerate(data["mask"][i]) if m] for i in rows]
    everything = [(d, data["advantages"][i][t]) for i in rows for d, t in zip(ds[i], valid[i])]
    result = []
    for i in rows:
        d = ds[i]
        advantages = [data["advantages"][i][t] for t in valid[i]]
        log_probs = [data["log_probs"][i][t] for t in valid[i]]
        if name == "reinforce":
            pairs = [weighted(1.0, a, lp) for a, lp in zip(advantages, log_probs)]
        elif name in ("grpo", "dapo"):
            low, high = 1 - parameters["clip-low"], 1 + parameters["clip-high"]
            pairs = [ppo(math.exp(x), a, low, high) for x, a in zip(d, advantages)]
        elif name == "gspo":
            low, high = 1 - parameters["clip-low"], 1 + parameters["clip-high"]
            ratio = math.exp(sequence_log(d))
            pairs = [ppo(ratio, a, low, high) for a in advantages]
        elif name in ("cispo", "prefix"):
            logs = d if name == "cispo" else prefix_logs(d)
            pairs = [
                weighted(clamp(math.exp(x), parameters["floor"], parameters["cap"]), a, lp)
                for x, a, lp in zip(logs, advantages, log_probs)
            ]
        elif name == "minpro":
            minima = prefix_minimum_logs(d, parameters["prefix-minimum-includes-one"])
            ratios = [math.exp(clamp(m + x)) for m, x in zip(minima, d)]
            if parameters["form"] == "weight":
                pairs = [
                    weighted(clamp(r, parameters["floor"], parameters["cap"]), a, lp)
                    for r, a, lp in zip(ratios, advantages, log_probs)
                ]
            else:
                low, high = 1 - parameters["clip-low"], 1 + parameters["clip-high"]
                pairs = [ppo(r, a, low, high) for r, a in zip(ratios, advantages)]
        elif name == "m2po":
            if parameters["form"] == "clip":
                low, high = m2po_window(parameters, everything)
                pairs = [ppo(math.exp(x), a, low, high) for x, a in zip(d, advantages)]
            else:
                kept = m2po_kept(parameters, everything)
                weights = [math.exp(x) if x * x <= kept else 0.0 for x in d]
                pairs = [(-w * a, -w * a) for w, a in zip(weights, advantages)]
        else:
            raise ValueError(name)
        result.append(dict(zip(valid[i], pairs)))
    return result


# ---- what multiplies the losses and what is added to them ------------------------------------------------------------


def correction_weight(name, k, data, i, t):
    logs = {t: clamp(p - q) for t, (p, q, m) in enumerate(
        zip(data["proximal_log_probs"][i], data["behavior_log_probs"][i], data["mask"][i])) if m}
    d = logs[t]
    if name == "tis":
        return min(math.exp(clamp(sum(logs.values())) if k["level"] == "sequence" else d), k["cap"])
    if name == "icepop":
        return math.exp(d) if k["low"] <= math.exp(d) <= k["high"] else 0.0
    if name == "mis":
        kept = k["low"] <= math.exp(sum(logs.values()) / len(logs)) <= k["high"]
        return kept * (math.exp(d) if k["weighted"] else 1.0)
    if name == "veto":
        return 0.0 if any(math.exp(e) < k["threshold"] for e in logs.values()) else 1.0
    if name == "divergence":
        estimate = {"k1": lambda e: -e, "k2": lambda e: e * e / 2, "k3": lambda e: math.exp(e) - 1 - e}[k["estimator"]]
        values = [estimate(e) for e in logs.values()]
        value = {"token": estimate(d), "sequence-sum": sum(values), "sequence-mean": sum(values) / len(values),
                 "sequence-max": max(values)}[k["level"]]
        if k["estimator"] == "k1":
            return float(math.log(k["ratio-low"]) <= value <= math.log(k["ratio-high"]))
        return float(value <= k["threshold"])
    raise ValueError(name)


def penalty(name, parameters, data, i, t):
    """(loss, d loss / d log pi) of one token."""
    if name == "kl":
        difference = data["log_probs"][i][t] - data[parameters["against"] + "_log_probs"][i][t]
        d = clamp(difference)
        k3 = math.exp(-d) - 1 + d
        value, slope = {
            "k1": (d, 1.0),
            "k2": (d * d / 2, d),
            "k3": (k3, 1 - math.exp(-d)),
            "low-variance": (k3, 1 - math.exp(-d)) if k3 <= 10 else (10.0, 0.0),
        }[parameters["estimator"]]
        inside = d == difference
        return parameters["coefficient"] * value, parameters["coefficient"] * slope if inside else 0.0
    if name == "entropy":
        return -parameters["coefficient"] * data["entropy"][i][t], 0.0
    raise ValueError(name)


def corrected(losses, name, parameters, data):
    """A token that leaves the denominator is no token of the update any more."""
    rows = []
    for i, row in enumerate(losses):
        weights = {t: correction_weight(name, parameters, data, i, t) for t in row}
        leave = parameters.get("leave-denominator", False)
        rows.append({t: tuple(number * weights[t] for number in pair) for t, pair in row.items() if weights[t] or not leave})
    return rows


def penalised(losses, name, parameters, data):
    return [
        {t: tuple(a + b for a, b in zip(pair, penalty(name, parameters, data, i, t))) for t, pair in row.items()}
        for i, row in enumerate(losses)
    ]


def denominator_of(row, losses, data, aggregation, length):
    tokens = sum(len(row) for row in losses)
    rows = sum(1 for row in losses if row)
    return {
        "token-mean": tokens,
        "seq-mean-token-mean": rows * len(row),
        "seq-mean-token-sum": rows,
        "constant-length": rows * (length or len(data["mask"][0])),
    }[aggregation]


def evaluate_family(name, parameters, data, aggregation, length, anchor):
    """The same for the objectives of family.py."""
    leaves = [[Var(x) for x in row] for row in data["log_probs"]]
    losses = family.token_losses(name, parameters, data, anchor, leaves)
    total = Var(0.0)
    for row in losses:
        for loss in row.values():
            total = total + var(loss) * (1 / denominator_of(row, losses, data, aggregation, length))
    total.backward()
    return total.value, [[leaf.grad for leaf in row] for row in leaves]


def evaluate(losses, data, aggregation, length):
    """The loss of an update and its gradient, from (loss, derivative) of every valid token."""
    width = len(data["mask"][0])
    loss, gradient = 0.0, []
    for row in losses:
        denominator = denominator_of(row, losses, data, aggregation, length)
        gradient.append([0.0] * width)
        for t, (token_loss, derivative) in row.items():
            loss += token_loss / denominator
            gradient[-1][t] = derivative / denominator
    return loss, gradient


# ---- cases ----------------------------------------------------------------------------------------------------------

CLIP = {"clip-low": 0.2, "clip-high": 0.28}
WEIGHT = {"floor": 0.0, "cap": 5.0}
MINPRO = {**WEIGHT, "cap": 1.28, "prefix-minimum-includes-one": False, "form": "weight", **CLIP}
M2PO = {"form": "clip", "threshold": 0.04, "clip-low": 0.3, "clip-high": 0.5}

# The defaults come first; the Java test reads them without setting any parameter.
PARAMETERS = {
    "reinforce": [{}],
    "grpo": [{"clip-low": 0.2, "clip-high": 0.2}, {"clip-low": 0.05, "clip-high": 0.6}],
    "dapo": [CLIP],
    "gspo": [{"clip-low": 3e-4, "clip-high": 4e-4}, {"clip-low": 0.1, "clip-high": 0.1}],
    "cispo": [WEIGHT, {"floor": 0.8, "cap": 1.28}],
    "prefix": [WEIGHT, {"floor": 0.0, "cap": 1.28}],
    "minpro": [
        MINPRO,
        {**MINPRO, "cap": 5.0},
        {**MINPRO, "floor": 0.8},
        {**MINPRO, "prefix-minimum-includes-one": True},
        {**MINPRO, "form": "clip"},
    ],
    "m2po": [M2PO, {**M2PO, "clip-low": 0.0, "clip-high": 0.0}, {**M2PO, "form": "mask"}],
}
TIS = {"level": "token", "cap": 2.0}
ICEPOP = {"low": 0.5, "high": 5.0, "leave-denominator": False}
MIS = {"low": 0.999, "high": 1.001, "weighted": False, "leave-denominator": False}
VETO = {"threshold": 1e-4, "leave-denominator": False}
DIVERGENCE = {"estimator": "k3", "level": "sequence-mean", "threshold": 0.01, "ratio-low": 0.999, "ratio-high": 1.001,
              "leave-denominator": False}
CORRECTIONS = {
    "tis": [TIS, {**TIS, "cap": 1.1}, {**TIS, "cap": 1e9}, {**TIS, "level": "sequence", "cap": 1.5}],
    "icepop": [ICEPOP, {**ICEPOP, "low": 0.8, "high": 1.2, "leave-denominator": True}],
    "mis": [MIS, {"low": 0.8, "high": 1.25, "weighted": True, "leave-denominator": True}],
    "veto": [VETO, {"threshold": 0.7, "leave-denominator": True}],
    "divergence": [
        DIVERGENCE,
        {**DIVERGENCE, "level": "sequence-sum", "threshold": 0.2, "leave-denominator": True},
        {**DIVERGENCE, "level": "sequence-max", "estimator": "k2", "threshold": 0.1},
        {**DIVERGENCE, "level": "token", "estimator": "k1", "ratio-low": 0.8, "ratio-high": 1.3},
    ],
}
KL = {"against": "behavior", "estimator": "k3", "coefficient": 0.001}
PENALTIES = {
    "kl": [
        KL,
        {**KL, "estimator": "k1", "coefficient": 0.5},
        {**KL, "estimator": "k2", "coefficient": 0.5},
        {**KL, "against": "proximal", "coefficient": 0.5},
        {**KL, "estimator": "low-variance", "coefficient": 0.5},
    ],
    "entropy": [{"coefficient": 0.001}, {"coefficient": 0.5}],
}
# The objectives that a correction or a penalty is combined with: one without ratios, one with them.
OBJECTIVES = [("reinforce", "behavior"), ("grpo", "behavior"), ("grpo", "proximal")]
AGGREGATIONS = [("token-mean", 0), ("seq-mean-token-mean", 0), ("seq-mean-token-sum", 0), ("constant-length", 0),
                ("constant-length", 17)]


def cases(name):
    for number, parameters in enumerate(PARAMETERS[name]):
        defaults = PARAMETERS[name][0]
        changed = {key: value for key, value in parameters.items() if defaults[key] != value}
        for title, data in BATCHES.items():
            first = number == 0 and title == "holes in the mask and an empty row"
            fixed = [("seq-mean-token-mean", 0)]
            for aggregation, length in fixed if name == "gspo" else AGGREGATIONS if first else AGGREGATIONS[:1]:
                yield title, changed, parameters, data, aggregation, length, "behavior"
        aggregation = "seq-mean-token-mean" if name == "gspo" else "token-mean"
        yield "anchored at the proximal policy", changed, parameters, PROXIMAL, aggregation, 0, "proximal"


def family_cases(name):
    reads = family.READS.get(name, "")
    required = family.REQUIRED.get(name, "token-mean")
    for number, parameters in enumerate(family.PARAMETERS[name]):
        defaults = family.PARAMETERS[name][0]
        changed = {key: value for key, value in parameters.items() if defaults[key] != value}
        for title, data in (WITH_PROXIMAL if reads == "proximal" else BATCHES).items():
            if title == "a long row" and number > 1:
                continue
            # Tokens of equal covariance are alike to the formula: which one is chosen is no matter of the objective.
            if name.endswith("-cov") and title in ("ties", "extreme ratios", "a long row"):
                continue
            if reads == "ages":
                data = {**data, "ages": [[(3 * i + 5 * t) % 7 for t in range(len(row))] for i, row in enumerate(data["mask"])]}
            if reads == "entropy":
                data = {**data, "entropy": [[((5 * i + 3 * t) % 11) / 4 for t in range(len(row))] for i, row in enumerate(data["mask"])]}
            if reads == "groups and collisions":
                # Between p^2, where all else is spread, and (1 - p)^2 more, where it is one token.
                data = {**data, "collision": [[math.exp(2 * p) + (1 + (3 * i + t) % 4) / 5 * (1 - math.exp(p)) ** 2 for t, p in enumerate(row)]
                                              for i, row in enumerate(data["log_probs"])]}
            if reads.startswith("groups"):
                data = {**data, "groups": [i // 2 for i in range(len(data["mask"]))]}
            first = number == 0 and title == "holes in the mask and an empty row"
            for aggregation, length in AGGREGATIONS if first and required == "token-mean" else [(required, 0)]:
                yield title, changed, parameters, data, aggregation, length, "behavior"
        if reads in ("", "proximal"):
            yield "anchored at the proximal policy", changed, parameters, PROXIMAL, required, 0, "proximal"


def part_cases(variants):
    for parameters in variants:
        changed = {key: value for key, value in parameters.items() if variants[0][key] != value}
        for title, data in WITH_PROXIMAL.items():
            for objective, anchor in OBJECTIVES:
                losses = token_losses(objective, PARAMETERS[objective][0], data, anchor)
                yield title, changed, parameters, data, objective, anchor, losses


def write_parts(folder, table, combine):
    for name, variants in table.items():
        entries = []
        for title, changed, parameters, data, objective, anchor, losses in part_cases(variants):
            more = {}
            if name == "entropy":
                data = {**data, "entropy": [[0.1 + 0.3 * ((7 * i + 3 * t) % 5) for t in range(len(row))]
                                            for i, row in enumerate(data["mask"])]}
                tokens = sum(map(sum, data["mask"]))
                more["entropy_gradient"] = [[-parameters["coefficient"] / tokens if m else 0.0 for m in row]
                                            for row in data["mask"]]
            loss, gradient = evaluate(combine(losses, name, parameters, data), data, "token-mean", 0)
            entries.append(
                {"case": title, "parameters": changed, "objective": objective, "anchor": anchor,
                 "aggregation": "token-mean", "length": 0, **data,
                 "expected": {"loss": loss, "gradient": gradient, **more}})
        write(folder / (name + ".json"), entries)


def write(path, entries):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    path.write_text("[\n" + lines + "\n]\n", encoding="utf-8")


def main(folder):
    for name in PARAMETERS:
        entries = []
        for title, changed, parameters, data, aggregation, length, anchor in cases(name):
            loss, gradient = evaluate(token_losses(name, parameters, data, anchor), data, aggregation, length)
            entries.append(
                {"case": title, "parameters": changed, "anchor": anchor, "aggregation": aggregation, "length": length,
                 **data, "expected": {"loss": loss, "gradient": gradient}})
        write(folder / "objectives" / (name + ".json"), entries)
    for name in family.PARAMETERS:
        entries = []
        for title, changed, parameters, data, aggregation, length, anchor in family_cases(name):
            loss, gradient = evaluate_family(name, parameters, data, aggregation, length, anchor)
            entries.append(
                {"case": title, "parameters": changed, "anchor": anchor, "aggregation": aggregation, "length": length,
                 **data, "expected": {"loss": loss, "gradient": gradient}})
        write(folder / "objectives" / (name + ".json"), entries)
    write_parts(folder / "corrections", CORRECTIONS, corrected)
    write_parts(folder / "penalties", PENALTIES, penalised)
    entries = []
    for title, data in BATCHES.items():
        expected = {key: [] for key in ("log_token", "log_prefix", "log_prefix_minimum", "log_prefix_minimum_with_one",
                                        "log_minimum_prefix_ratio", "log_sequence")}
        for i, mask in enumerate(data["mask"]):
            d = log_ratios(data, i, "behavior")
            minima = prefix_minimum_logs(d, False)
            values = {
                "log_token": d,
                "log_prefix": prefix_logs(d),
                "log_prefix_minimum": minima,
                "log_prefix_minimum_with_one": prefix_minimum_logs(d, True),
                "log_minimum_prefix_ratio": [clamp(m + x) for m, x in zip(minima, d)],
                "log_sequence": [sequence_log(d)] * len(d),
            }
            for key, row in values.items():
                row = iter(row)
                expected[key].append([next(row) if m else 0.0 for m in mask])
        entries.append({"case": title, "log_probs": data["log_probs"],
                        "behavior_log_probs": data["behavior_log_probs"], "mask": data["mask"], "expected": expected})
    write(folder / "ratios" / "ratios.json", entries)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
