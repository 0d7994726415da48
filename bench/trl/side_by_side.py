"""A whole GRPO step of MinPRO beside one of TRL, alternately, on this machine.

    ./test                                       # or any build: the module's classes are run from their folders
    python3 bench/trl/side_by_side.py small
    python3 bench/trl/side_by_side.py real --model FOLDER      # SmolLM2-135M-Instruct as a Hugging Face folder
    python3 bench/trl/side_by_side.py real --model FOLDER --llama 1,2      # llama.cpp's batched decode too, with 1 and 2 threads

Equal on both sides: model, dtype, prompts, eight rows for each, 64 new tokens in every row (end-of-sequence ids do not end
a row), temperature 1 without truncation, the reward, advantages divided by the group's deviation, AdamW, clipping at norm 1,
one update for each batch. TRL runs in an environment of its own, bench/.venv, made here on first use, with each
of the given threads and rows at once; its best setting counts. llama.cpp comes as llama-cpp-python, which is compiled for this
processor into bench/.venv/llama on first use (ten minutes), and decodes the same rows in bfloat16 without drawing tokens. Before the measured steps each process makes one that is not
counted; then they take turns. Figures: median seconds and response tokens per second of the step and of its sampling, peak
resident memory (VmHWM) of the process; of ours also how far sampler and trainer are apart, the largest and the mean
|log mu - log pi| over all tokens of the measured steps.
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ENVIRONMENTS = ROOT / "bench" / ".venv"
DATA = ROOT / "bench" / "target" / "side-by-side"


def python(name, requirements, **settings):
    """The Python of an environment, which is made on first use."""
    environment = ENVIRONMENTS / name
    if not (environment / "complete").exists():
        print(f"making {environment} from {requirements}", file=sys.stderr)
        venv.create(environment, with_pip=True, clear=True)
        subprocess.run(
            [environment / "bin" / "pip", "install", "-q", "-r", HERE / requirements], check=True,
            env={**os.environ, **settings})
        (environment / "complete").touch()
    return str(environment / "bin" / "python")


def trl_python():
    return python("trl", "requirements.txt")


def llama_python():
    return python("llama", "llama_requirements.txt", CMAKE_ARGS="-DGGML_NATIVE=ON -DLLAVA_BUILD=OFF")


def java(main, *arguments):
    """The command that runs a class of module bench as ./minpro runs its own."""
    subprocess.run([ROOT / "bin" / "maven", "-q", "-B", "package", "-DskipTests"], check=True, stdout=sys.stderr)
    found = subprocess.run([ROOT / "bin" / "find-java"], check=True, capture_output=True, text=True)
    libraries = (ROOT / "app" / "target" / "classpath").read_text().strip()
    return [
        found.stdout.split(" ", 1)[1].strip() + "/bin/java", "--sun-misc-unsafe-memory-access=allow",
        "--enable-native-access=ALL-UNNAMED", *vectors(found.stdout), "-XX:+UseSerialGC", "-Xmn32m", "-cp", f"{ROOT / 'bench' / 'target' / 'classes'}:{libraries}",
        f"org.minpro.bench.{main}", *map(str, arguments)]


def vectors(found):
    """What the kernels in Java's Vector API need, from Java 25 on."""
    version = int(re.match(r"\d+", found).group())
    return ["--add-modules", "jdk.incubator.vector"] if version >= 25 else []


# Some machines choose slower kernels for programs that cannot tell the processor: neither side's figures should be theirs.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

# What ./minpro sets.
JAVA_ENVIRONMENT = dict(
    OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", OMP_WAIT_POLICY="passive", MALLOC_ARENA_MAX="1",
    MALLOC_TRIM_THRESHOLD_="1073741824", MALLOC_MMAP_THRESHOLD_="1073741824", ONEDNN_PRIMITIVE_CACHE_CAPACITY="96",
    LRU_CACHE_CAPACITY="32")


class Side:
    def __init__(self, name, command, environment):
        self.name = name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(DATA / f"{name}.log", "w"), text=True,
            env={**os.environ, **environment})
        self.steps = []
        line = self.process.stdout.readline()
        if line.strip() != "ready":
            sys.exit(f"{name} must say that it is ready, got: {line!r}; see {DATA / (name + '.log')}")

    def step(self):
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} must answer with figures, got nothing; see {DATA / (self.name + '.log')}")
        return json.loads(line)

    def peak(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=["small", "real"])
    parser.add_argument("--model", help="Hugging Face folder, for real")
    parser.add_argument("--steps", type=int, default=5, help="measured steps of each side")
    parser.add_argument("--threads", default="1,2", help="TRL's threads that are tried")
    parser.add_argument("--llama", help="threads of llama.cpp that are tried, such as 1,2; left out, it is not run")
    parser.add_argument("--rows-at-once", help="rows of a TRL micro-batch that are tried")
    parser.add_argument("--micro-batch-tokens", type=int, help="ours, by default those of a recipe")
    parser.add_argument("--lanes", type=int, help="ours, by default those of a recipe")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="ours")
    options = parser.parse_args()
    if options.case == "real" and not options.model:
        parser.error("real needs --model FOLDER")
    DATA.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [trl_python(), HERE / "workloads.py", options.case, DATA, *([options.model] if options.model else [])], check=True,
        stdout=sys.stderr)
    workload_file = DATA / f"{options.case}.json"
    workload = json.loads(workload_file.read_text())
    rows = len(workload["prompts"]) * workload["rows_per_prompt"]
    command = java(
        "GrpoStep", workload["model"], workload_file, workload["dtype"], options.workers,
        options.micro_batch_tokens or 0, 0, "auto", options.lanes or 0)
    results = []
    for threads in map(int, options.threads.split(",")):
        for rows_at_once in map(int, (options.rows_at_once or f"{rows},{rows // 4}").split(",")):
            ours = Side("minpro", command, JAVA_ENVIRONMENT)
            theirs = Side(
                "trl", [trl_python(), str(HERE / "trl_step.py"), str(workload_file), str(threads), str(rows_at_once)], {})
            pair = [(ours, []), (theirs, [])]
            if not results:
                # Once: what it takes depends on nothing of TRL's.
                pair += [(llama(workload_file, count), []) for count in (options.llama or "").split(",") if count]
            for number in range(options.steps + 1):
                for side, steps in pair:
                    figures = side.step()
                    if figures["tokens"] != rows * workload["new_tokens"]:
                        sys.exit(f"{side.name} must sample {rows * workload['new_tokens']} tokens, got: {figures['tokens']}")
                    if number > 0:
                        steps.append(figures)
            sides = {}
            for side, steps in pair:
                sides[side.name] = dict(
                    step=statistics.median(s["step"] for s in steps),
                    step_range=[min(s["step"] for s in steps), max(s["step"] for s in steps)],
                    sampling=statistics.median(s["sampling"] for s in steps),
                    rest=statistics.median(s["step"] - s["sampling"] for s in steps),
                    peak=side.peak())
                if side is ours:
                    sides[side.name].update(
                        mismatch_max=max(s["mismatch_max"] for s in steps),
                        mismatch_mean=statistics.mean(s["mismatch"] for s in steps),
                        mismatch_tokens=len(steps) * rows * workload["new_tokens"])
                side.close()
            result = dict(trl_threads=threads, trl_rows_at_once=rows_at_once, tokens=rows * workload["new_tokens"], **sides)
            results.append(result)
            show(result)
    decoders = [
        (result["minpro"]["sampling"], result[side]["sampling"]) for result in results for side in result
        if side.startswith("llama")]
    best = min(results, key=lambda result: result["trl"]["step"])
    fastest_sampling = min(result["trl"]["sampling"] for result in results)
    print(
        f"{options.case}: TRL's best is {best['trl_threads']} threads, {best['trl_rows_at_once']} rows at once; beside it MinPRO"
        f" makes the step in 1/{best['trl']['step'] / best['minpro']['step']:.2f} of the time,"
        f" samples in 1/{fastest_sampling / best['minpro']['sampling']:.2f} of the fastest generate,"
        f" and peaks at {best['minpro']['peak'] / best['trl']['peak']:.2f} of the memory")
    if decoders:
        ours, theirs = min(decoders, key=lambda pair: pair[1])
        print(f"{options.case}: beside the faster of llama.cpp's MinPRO samples in 1/{theirs / ours:.2f} of the time")
    (DATA / f"{options.case}-result.json").write_text(json.dumps(results, indent=1))


def llama(workload_file, threads):
    return Side(
        f"llama-{threads}",
        [llama_python(), str(HERE / "llama_decode.py"), str(workload_file), threads,
         str(workload_file.with_suffix(".gguf"))], {})


def show(result):
    for name, side in result.items():
        if not isinstance(side, dict):
            continue
        setting = f" ({result['trl_threads']} threads, {result['trl_rows_at_once']} rows)" if name == "trl" else ""
        sampling = f"sampling {side['sampling']:6.2f} s {result['tokens'] / side['sampling']:8.0f} tok/s"
        if not name.startswith("llama"):
            sampling = (
                f"step {side['step']:7.2f} s [{side['step_range'][0]:.2f}, {side['step_range'][1]:.2f}]"
                f" {result['tokens'] / side['step']:8.0f} tok/s   {sampling}   rest {side['rest']:6.2f} s")
        print(f"{name + setting:24} {sampling}   peak {side['peak'] / 2**30:5.2f} GiB", flush=True)
        if "mismatch_max" in side:
            print(
                f"{'':24} log mu and log pi of {side['mismatch_tokens']} tokens differ by at most {side['mismatch_max']:.3g},"
                f" in the mean by {side['mismatch_mean']:.3g}", flush=True)


if __name__ == "__main__":
    main()
