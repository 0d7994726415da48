"""How the cost of sampling and of the gradient grows, and how near both are to what this machine can do.

    python3 bench/growth/measure.py                  # everything: about half an hour on two quiet cores
    python3 bench/growth/measure.py --quick          # sizes that take seconds, to see that it works

Growth: tokens of a response (64 to 4,096, 16 rows), rows (16 to 1,024, 64 tokens), parameters (0.6 M, 135 M and 0.5 B random
ones, 32 rows of 64 tokens). A process for each size (org.minpro.bench.StepCost), with the built-in model's shape in float32 and
SmolLM2's in bfloat16. Limits: the best rate of products and of reading memory that org.minpro.bench.MatrixRates finds, beside
what sampling and gradients reach. Writes bench/target/growth/: points.jsonl, tables.md and growth.png, which is copied to
docs/images. Points that are there already are not measured again; --again forgets them.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DATA = ROOT / "bench" / "target" / "growth"
sys.path.insert(0, str(ROOT / "bench" / "trl"))
import side_by_side  # noqa: E402

SMALL, MIDDLE, LARGE = "SMALL", "SMOLLM2_135M", "QWEN2_0_5B"
LENGTHS, ROWS = [64, 256, 1024, 4096], [16, 64, 256, 1024]


def sweeps(quick):
    lengths, rows, models = (LENGTHS[:2], ROWS[:2], [SMALL]) if quick else (LENGTHS, ROWS, [SMALL, MIDDLE])
    return {
        "length": [(model, 16, length) for model in models for length in lengths],
        "rows": [(model, count, 64) for model in models for count in rows],
        "parameters": [(model, 32, 64) for model in ([SMALL] if quick else [SMALL, MIDDLE, LARGE])],
    }


def measured(command, key, rounds, known):
    if key in known:
        return known[key]
    print("measuring", *key, file=sys.stderr, flush=True)
    result = subprocess.run(
        [*command, *map(str, key), str(rounds)], capture_output=True, text=True,
        env={**os.environ, **side_by_side.JAVA_ENVIRONMENT})
    if result.returncode != 0:
        sys.exit(f"StepCost {key} must end well, got {result.returncode}:\n{result.stderr}")
    point = json.loads(result.stdout.splitlines()[-1])
    with open(DATA / "points.jsonl", "a") as file:
        file.write(json.dumps(point) + "\n")
    known[key] = point
    return point


def limits(quick):
    """Best GFLOP/s of products by type, and GB/s of reading."""
    file = DATA / "rates.txt"
    if not file.exists():
        shapes = ["128:384"] if quick else ["128:384", "576:3072", "1536:576"]
        text = subprocess.run(
            side_by_side.java("MatrixRates", os.cpu_count(), *shapes), check=True, capture_output=True, text=True,
            env={**os.environ, **side_by_side.JAVA_ENVIRONMENT}).stdout
        file.write_text(text)
    text = file.read_text()
    best = {}
    for line in text.splitlines():
        kind = line.split(" ", 1)[0].lower()
        rates = [float(rate) for rate in re.findall(r"rows (\d+)", line)]
        if rates:
            best[kind] = max(best.get(kind, 0), *rates)
    return best, float(re.search(r"reading: (\d+)", text).group(1))


def table(points, title):
    lines = [
        f"| {title} | rows | tokens each | sampling | gradient | peak |", "| --- | --- | --- | --- | --- | --- |"]
    for p in points:
        lines.append(
            f"| {p['parameters'] / 1e6:,.1f} M, {p['type'].lower()} | {p['rows']:,} | {p['tokens']:,}"
            f" | {p['sampling']:.2f} s, {p['generated'] / p['sampling']:,.0f} tok/s"
            f" | {p['gradient']:.2f} s, {p['generated'] / p['gradient']:,.0f} tok/s | {p['peak'] / 2**30:.2f} GiB |")
    return "\n".join(lines)


def limit_table(points, best, reading):
    lines = [
        "| size | sampling | of the best rate | gradient | of the best rate | weights read in sampling |",
        "| --- | --- | --- | --- | --- | --- |"]
    for p in points:
        rate = best[p["type"].lower()]
        sampling, gradient = p["gflop"] / p["sampling"], 3 * p["gflop"] / p["gradient"]
        # Each worker reads all weights for each of its tokens.
        bytes_read = p["parameters"] * (2 if p["type"].lower() == "bf16" else 4) * p["tokens"] * os.cpu_count()
        lines.append(
            f"| {p['parameters'] / 1e6:,.1f} M, {p['rows']:,} rows of {p['tokens']:,} | {sampling:,.0f} GFLOP/s"
            f" | {sampling / rate:.0%} | {gradient:,.0f} GFLOP/s | {gradient / rate:.0%}"
            f" | {bytes_read / p['sampling'] / 1e9:,.1f} of {reading:,.0f} GB/s |")
    rates = ", ".join(f"{kind} {rate:,.0f} GFLOP/s" for kind, rate in best.items())
    return "\n".join([f"Best rates of products: {rates}. Reading memory: {reading:,.0f} GB/s.", "", *lines])


def plot(results):
    """In an environment of its own."""
    environment = side_by_side.ENVIRONMENTS / "growth"
    if not (environment / "complete").exists():
        venv.create(environment, with_pip=True, clear=True)
        subprocess.run([environment / "bin" / "pip", "install", "-q", "-r", HERE / "requirements.txt"], check=True)
        (environment / "complete").touch()
    subprocess.run(
        [environment / "bin" / "python", HERE / "plot.py", DATA / "growth.png"], input=json.dumps(results), text=True,
        check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few small sizes")
    parser.add_argument("--rounds", type=int, default=3, help="measured rounds of a size; one for large models of 4,096 tokens and more")
    parser.add_argument("--again", action="store_true", help="measure everything anew")
    options = parser.parse_args()
    if options.again:
        shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir(parents=True, exist_ok=True)
    known = {}
    if (DATA / "points.jsonl").exists():
        for line in (DATA / "points.jsonl").read_text().splitlines():
            point = json.loads(line)
            known[point["shape"], point["rows"], point["tokens"]] = point
    command = side_by_side.java("StepCost")
    results = {
        name: [
            measured(command, key, options.rounds if key[0] == SMALL or key[1] * key[2] < 4096 else 1, known)
            for key in keys]
        for name, keys in sweeps(options.quick).items()}
    best, reading = limits(options.quick)
    text = "\n\n".join(
        [table(points, name) for name, points in results.items()] + [limit_table(results["parameters"], best, reading)])
    (DATA / "tables.md").write_text(text + "\n")
    print(text)
    plot(results)
    if not options.quick:
        shutil.copy(DATA / "growth.png", ROOT / "docs" / "images" / "growth.png")


if __name__ == "__main__":
    main()
