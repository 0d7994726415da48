"""Math-Verify beside minpro verify, on the pairs of verdicts.tsv and on references, for docs/verify.md.

python3 -m venv bench/.venv && bench/.venv/bin/pip install math-verify==0.8.0 antlr4-python3-runtime==4.13.2
bench/.venv/bin/python bench/verify/math_verify_side_by_side.py TABLE [REFERENCES ...]
REFERENCES: text files with one reference a line, as org.minpro.bench.References writes them. Of each
file at most 1,000, drawn with a fixed seed, are compared with themselves, with themselves in another notation, with one digit
changed and with another one of the file. ./minpro judges the same pairs. Each side is parsed by Math-Verify's default configuration; a text without dollar signs or a box is put between
dollar signs, because its LaTeX extraction asks for them. An exception of Math-Verify is no acceptance.
"""

import json
import logging
import random
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from math_verify import parse, verify

MOST_REFERENCES = 1000
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
    draw = random.Random(5)
    chosen = draw.sample(texts, min(MOST_REFERENCES, len(texts)))
    pairs = []
    for text in chosen:
        pairs.append((text, text, True, False, "itself"))
        form = rendered(text)
        if form != text:
            pairs.append((text, form, True, False, "another notation"))
        digits = [at for at, letter in enumerate(text) if letter in "0123456789"]
        if digits:
            at = draw.choice(digits)
            changed = text[:at] + str((int(text[at]) + draw.randrange(1, 10)) % 10) + text[at + 1 :]
            pairs.append((text, changed, False, False, "a digit changed"))
        pairs.append((text, draw.choice([other for other in texts if other != text]), False, False, "another"))
    side_by_side(Path(path).stem, pairs)


def rendered(text):
    """The same answer as another person might write it; the text itself where none of the rules applies."""
    if re.fullmatch(r"-?\d{1,15}", text):
        return f"{int(text):,}" if abs(int(text)) > 999 else text + ".0"
    fraction = re.fullmatch(r"(-?)\\d?frac\{(\d+)\}\{(\d+)\}", text)
    if fraction:
        return f"\\boxed{{{fraction[1]}\\dfrac{{{3 * int(fraction[2])}}}{{{3 * int(fraction[3])}}}}}"
    if re.fullmatch(r"[-0-9a-z ]+(, [-0-9a-z ]+)+", text):
        return ", ".join(reversed(text.split(", ")))
    form = text.replace("\\left", "").replace("\\right", "").replace("\\frac{", "\\dfrac{")
    return form.replace("^\\circ", "^{\\circ}").replace("pmatrix", "bmatrix")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    table(sys.argv[1])
    for name in sys.argv[2:]:
        references(name)
