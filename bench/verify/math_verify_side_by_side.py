"""Math-Verify on the pairs of verdicts.tsv and on lines of references, for docs/verify.md.

python3 -m venv VENV && VENV/bin/pip install math-verify==0.8.0 antlr4-python3-runtime==4.13.2
VENV/bin/python bench/verify/math_verify_side_by_side.py TABLE [REFERENCES ...]
REFERENCES: text files with one reference a line. Each side is parsed by Math-Verify's default configuration; a text
without dollar signs or a box is put between dollar signs, because its LaTeX extraction asks for them.
"""

import logging
import sys
import time
from collections import Counter

from math_verify import parse, verify

logging.disable(logging.CRITICAL)


def fenced(text):
    return text if "$" in text.replace("\\$", "") or "\\boxed" in text or "####" in text else f"${text}$"


def right(gold, answer, prose):
    return bool(verify(parse(fenced(gold)), parse(answer if prose else fenced(answer))))


def table(path):
    counts = Counter()
    shown = []
    rows = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#") or not line.strip():
                continue
            fields = line.rstrip("\n").replace("\u2424", "\n").split("\t")
            rows.append(fields)
    start = time.process_time()
    for fields in rows:
        category, expected, gold, answer = fields[:4]
        try:
            found = right(gold, answer, category == "completion")
        except Exception as error:  # a checker that raises gives no verdict
            counts["raised " + type(error).__name__] += 1
            found = False
        gaming = len(fields) > 4
        if expected == "right":
            counts["right: accepted" if found else "right: missed"] += 1
        else:
            counts["not right: accepted (false right)" if found else "not right: refused"] += 1
            if found and gaming:
                counts["of them gaming"] += 1
        if found != (expected == "right"):
            shown.append((category, expected, gold, answer))
    seconds = time.process_time() - start
    for key in sorted(counts):
        print(f"{key}: {counts[key]}")
    print(f"{len(rows)} pairs, {len(rows) / seconds:.0f} per CPU second")
    for row in shown:
        print("differs:", *row, sep="\t")


def references(path):
    with open(path, encoding="utf-8") as lines:
        texts = [line.rstrip("\n").replace("\u2424", "\n") for line in lines if line.strip()]
    texts = list(dict.fromkeys(texts))
    same = 0
    start = time.process_time()
    for text in texts:
        try:
            same += right(text, text, False)
        except Exception:
            pass
    seconds = time.process_time() - start
    print(f"{path}: {same} of {len(texts)} equal themselves, {len(texts) / seconds:.0f} per CPU second")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    table(sys.argv[1])
    for name in sys.argv[2:]:
        references(name)
