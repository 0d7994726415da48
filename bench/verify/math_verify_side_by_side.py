"""Math-Verify beside minpro verify, on the pairs of verdicts.tsv and on references, for docs/verify.md.

python3 -m venv bench/.venv && bench/.venv/bin/pip install math-verify==0.8.0 antlr4-python3-runtime==4.13.2
bench/.venv/bin/python bench/verify/math_verify_side_by_side.py TABLE [REFERENCES ...]
REFERENCES: text files with one reference a line, as org.minpro.bench.References writes them. Each is compared with itself
and with another one of the file, drawn with a fixed seed. ./minpro judges the same pairs. Each side is parsed by Math-Verify's default configuration; a text without dollar signs or a box is put between
dollar signs, because its LaTeX extraction asks for them. An exception of Math-Verify is no acceptance.
"""

import json
import logging
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from math_verify import parse, verify

MINPRO = [str(Path(__file__).resolve().parents[2] / "minpro"), "verify", "--input", "-"]

logging.disable(logging.CRITICAL)


def fenced(text):
    return text if "$" in text.replace("\\$", "") or "\\boxed" in text or "####" in text else f"${text}$"


def accepted(gold, answer, prose):
    try:
        return bool(verify(parse(fenced(gold)), parse(answer if prose else fenced(answer))))
    except Exception:
        return False


def minpro(pairs):
    lines = "".join(json.dumps({"gold": gold, "answer": answer}) + "\n" for gold, answer in pairs)
    done = subprocess.run(MINPRO, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line)["verdict"] for line in done.stdout.splitlines()]


def side_by_side(name, pairs):
    """pairs: (gold, answer, whether they are the same answer, whether answer is prose, label)."""
    start = time.process_time()
    theirs = [accepted(gold, answer, prose) for gold, answer, _, prose, _ in pairs]
    seconds = time.process_time() - start
    ours = minpro([pair[:2] for pair in pairs])
    counts = Counter()
    for (gold, answer, same, _, label), other, own in zip(pairs, theirs, ours, strict=True):
        kind = "right" if same else "not right"
        counts[f"{kind} {label}: all".replace(" :", ":")] += 1
        counts[f"{kind} {label}: accepted by Math-Verify".replace(" :", ":")] += other
        counts[f"{kind} {label}: accepted by minpro".replace(" :", ":")] += own == "right"
        counts["both accept or neither does"] += other == (own == "right")
        if other != same or (own == "right") != same:
            print(f"{name}\t{kind}\tMath-Verify {'accepts' if other else 'refuses'}\tminpro {own}\t{gold}\t{answer}")
    for key in sorted(counts):
        print(f"{name}: {key}: {counts[key]}")
    print(f"{name}: {len(pairs)} pairs, Math-Verify {len(pairs) / seconds:.0f} per CPU second")


def table(path):
    pairs = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#") and line.strip():
                fields = line.rstrip("\n").replace("\u2424", "\n").split("\t")
                category, expected, gold, answer = fields[:4]
                label = "gaming" if len(fields) > 4 and fields[4] == "gaming" else ""
                pairs.append((gold, answer, expected == "right", category == "completion", label))
    side_by_side("table", pairs)


def references(path):
    with open(path, encoding="utf-8") as lines:
        texts = [line.rstrip("\n").replace("\u2424", "\n") for line in lines if line.strip()]
    draw = random.Random(4)
    pairs = [(text, text, True, False, "") for text in texts]
    for at, text in enumerate(texts):
        # The references are distinct: a step of 1 to n - 1 never meets the reference itself.
        pairs.append((text, texts[(at + draw.randrange(1, len(texts))) % len(texts)], False, False, ""))
    side_by_side(Path(path).stem, pairs)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    table(sys.argv[1])
    for name in sys.argv[2:]:
        references(name)
