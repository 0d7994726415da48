"""TRL's half of side_by_side.py: one whole GRPO step for every line that comes in on stdin, its seconds on stdout as JSON.

    trl_step.py WORKLOAD THREADS ROWS_AT_ONCE [cpu|cuda]

On a GPU the figures have the peak of torch's allocator too, in bytes.
"""

import json
import os
import sys
import tempfile
import time

workload = json.load(open(sys.argv[1]))
threads, rows_at_once = int(sys.argv[2]), int(sys.argv[3])
cuda = sys.argv[4:] == ["cuda"]
os.environ["OMP_NUM_THREADS"] = str(threads)
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import datasets  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
import trl  # noqa: E402

torch.set_num_threads(threads)
output = sys.stdout
sys.stdout = sys.stderr
rows = len(workload["prompts"]) * workload["rows_per_prompt"]
model = transformers.AutoModelForCausalLM.from_pretrained(
    workload["model"], dtype=torch.bfloat16 if workload["dtype"] == "bf16" else torch.float32)
tokenizer = transformers.AutoTokenizer.from_pretrained(workload["model"])
generating = dict(seconds=0.0, tokens=0)
generate = model.generate


def finish():
    """Waits for what a GPU was asked to do."""
    if cuda:
        torch.cuda.synchronize()


def timed(*arguments, **options):
    finish()
    start = time.perf_counter()
    result = generate(*arguments, **options)
    finish()
    generating["seconds"] += time.perf_counter() - start
    given = options["input_ids"] if "input_ids" in options else arguments[0]
    generating["tokens"] += result.shape[0] * (result.shape[1] - given.shape[1])
    return result


model.generate = timed


def even_ids(completion_ids, **_):
    return [float(sum(1 for token in ids if token % 2 == 0)) for ids in completion_ids]


class OnDemand(transformers.TrainerCallback):
    """A step begins when a line comes in, and ends with a line of figures."""

    def on_step_begin(self, args, state, control, **_):
        if state.global_step == 0:
            print("ready", file=output, flush=True)
        if not sys.stdin.readline():
            os._exit(0)
        generating.update(seconds=0.0, tokens=0)
        self.start = time.perf_counter()

    def on_step_end(self, args, state, control, **_):
        finish()
        peak = dict(peak=torch.cuda.max_memory_allocated()) if cuda else {}
        print(json.dumps(dict(
            **peak, tokens=generating["tokens"], sampling=generating["seconds"], step=time.perf_counter() - self.start)),
            file=output, flush=True)


with tempfile.TemporaryDirectory() as folder:
    trainer = trl.GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=even_ids,
        train_dataset=datasets.Dataset.from_dict(dict(prompt=workload["texts"])),
        callbacks=[OnDemand()],
        args=trl.GRPOConfig(
            output_dir=folder, use_cpu=not cuda, bf16=False, seed=1, max_steps=1000, report_to=[], save_strategy="no",
            logging_strategy="no", disable_tqdm=True, shuffle_dataset=False, learning_rate=1e-6,
            gradient_checkpointing=False, per_device_train_batch_size=rows_at_once,
            gradient_accumulation_steps=rows // rows_at_once, num_generations=workload["rows_per_prompt"],
            generation_batch_size=rows, max_completion_length=workload["new_tokens"], temperature=1.0, top_k=0, top_p=1.0,
            generation_kwargs=dict(min_new_tokens=workload["new_tokens"])))
    trainer.train()
