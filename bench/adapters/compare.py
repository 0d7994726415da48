"""Compares adapters between PEFT and minpro, both ways; bench/adapters/run starts it.

For each model and each of LoRA and rsLoRA:
1. minpro trains an adapter for two updates (its B is no longer zero), PEFT opens the folder, and both score the same ids;
2. minpro merges it, and transformers scores the merged model;
3. PEFT makes an adapter with random A and B and saves it, and both score the same ids.
"""

import json
import pathlib
import shutil
import subprocess
import sys

import peft
import safetensors.torch
import torch
import transformers

MOST = 1e-5
minpro, model, work = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()
TEXTS = ["Natalia sold 48 clips in April, and then half as many in May.", "12+3=15", "The answer is not known."]


def minpro_command(*arguments, given=None):
    done = subprocess.run([minpro, *map(str, arguments)], input=given, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def scores_of_minpro(ids, *options):
    lines = "".join(json.dumps({"ids": one}) + "\n" for one in ids)
    out = minpro_command("score", "--input", "-", "--dtype", "f32", *options, given=lines)
    return [json.loads(line)["log_probs"][1:] for line in out.splitlines()]


@torch.no_grad()
def scores_of_torch(module, ids):
    result = []
    for one in ids:
        logits = module(torch.tensor([one])).logits[0, :-1].float()
        chosen = torch.tensor(one[1:]).unsqueeze(1)
        result.append(logits.log_softmax(-1).gather(1, chosen).squeeze(1).tolist())
    return result


def largest(ours, theirs):
    return max(abs(a - b) for x, y in zip(ours, theirs) for a, b in zip(x, y, strict=True))


def root_mean_square(ours, theirs):
    squares = [(a - b) ** 2 for x, y in zip(ours, theirs) for a, b in zip(x, y, strict=True)]
    return (sum(squares) / len(squares)) ** 0.5


def base(folder):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def report(what, ours, theirs, exact, without):
    """Ours must be theirs within MOST; where f32 rounds PEFT's own by more than that, as near as theirs to float64."""
    difference, rounding = largest(ours, theirs), largest(theirs, exact)
    ours_from, theirs_from = root_mean_square(ours, exact), root_mean_square(theirs, exact)
    moved = largest(ours, without)
    print(f"{what}: largest difference {difference:.1e}, root mean square {root_mean_square(ours, theirs):.1e} of"
          f" {sum(map(len, ours))} tokens (from float64: ours {largest(ours, exact):.1e} and {ours_from:.1e}, theirs"
          f" {rounding:.1e} and {theirs_from:.1e}); the adapter moves them by up to {moved:.1e}", flush=True)
    assert difference <= MOST or rounding > MOST and ours_from <= 2 * theirs_from, what
    assert moved > 100 * MOST, moved


def demonstrations(folder):
    file = folder / "demonstrations.jsonl"
    rows = [{"prompt": text, "completion": " " + text[::-1]} for text in TEXTS]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def compare(name, folder, ids, data, targets):
    without = scores_of_torch(base(folder), ids)
    exact = scores_of_torch(base(folder).double(), ids)
    plain = scores_of_minpro(ids, "--model", folder)
    print(f"{name}, no adapter: largest difference {largest(plain, without):.1e} (from float64: ours"
          f" {largest(plain, exact):.1e}, theirs {largest(without, exact):.1e})", flush=True)
    for variant in ("lora", "rslora"):
        runs = work / f"runs-{name.replace(' ', '-')}-{variant}"
        shutil.rmtree(runs, ignore_errors=True)
        minpro_command(
            "sft", "--model", folder, "--data", data, "--set", f"runs={runs}", "--set", "updates=2",
            "--set", "batch-rows=3", "--set", "optimizer.learning-rate=0.001", "--set", "optimizer.warmup-updates=0",
            "--set", "adapter.rank=8", "--set", f"adapter.variant={variant}",
            "--set", f"adapter.targets=[{', '.join(targets)}]", "--set", "model.dtype=f32")
        adapter = runs / "0001" / "adapter"
        ours = scores_of_minpro(ids, "--model", adapter)
        opened = peft.PeftModel.from_pretrained(base(folder), adapter).eval()
        report(f"{name}, {variant}, minpro's adapter in PEFT", ours, scores_of_torch(opened, ids),
               scores_of_torch(opened.double(), ids), without)
        merged = runs / "merged"
        shutil.rmtree(merged, ignore_errors=True)
        minpro_command("merge", "--model", adapter, "--output", merged)
        merged_scores = scores_of_minpro(ids, "--model", merged)
        report(f"{name}, {variant}, merged by minpro in transformers", merged_scores,
               scores_of_torch(base(merged), ids), scores_of_torch(base(merged).double(), ids), without)

        config = peft.LoraConfig(
            r=4, lora_alpha=16, target_modules=[t.rsplit(".", 1)[-1] for t in targets] if targets != ["all-linear"] else "all-linear",
            use_rslora=variant == "rslora", init_lora_weights="gaussian", task_type="CAUSAL_LM")
        torch.manual_seed(1)
        made = peft.get_peft_model(base(folder), config).eval()
        for parameter_name, parameter in made.named_parameters():
            if "lora_B" in parameter_name:
                torch.nn.init.normal_(parameter, std=0.002)
        theirs = work / f"peft-{name.replace(' ', '-')}-{variant}"
        shutil.rmtree(theirs, ignore_errors=True)
        made.save_pretrained(theirs)
        ours = scores_of_minpro(ids, "--model", folder, "--adapter", theirs)
        report(f"{name}, {variant}, PEFT's adapter in minpro", ours, scores_of_torch(made, ids),
               scores_of_torch(made.double(), ids), without)


def as_float32(folder):
    """The model in f32, its configuration in the spelling that both versions 4 and 5 of transformers read."""
    target = work / "f32"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target)
    for file in target.glob("*.safetensors"):
        tensors = {name: tensor.float() for name, tensor in safetensors.torch.load_file(file).items()}
        safetensors.torch.save_file(tensors, file, {"format": "pt"})
    config = json.loads((target / "config.json").read_text())
    rotation = config.pop("rope_parameters", None)
    if rotation is not None:
        assert rotation.get("rope_type", "default") == "default", rotation
        config["rope_theta"] = rotation["rope_theta"]
    config.pop("dtype", None)
    config["torch_dtype"] = "float32"
    (target / "config.json").write_text(json.dumps(config, indent=2))
    return target


def small(name, config_class, model_class, **own):
    """A random model of the built-in one's vocabulary and more."""
    folder = work / name
    torch.manual_seed(2)
    config = config_class(
        vocab_size=199, hidden_size=48, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, max_position_embeddings=256, eos_token_id=1, bos_token_id=None,
        pad_token_id=None, initializer_range=0.2, tie_word_embeddings=False, **own)
    model_class(config).to(torch.float32).save_pretrained(folder)
    for file in ("tokenizer.json", "tokenizer_config.json"):
        source = pathlib.Path(__file__).parents[2] / "core/src/main/resources/org/minpro/builtin" / file
        shutil.copy(source, folder / file)
    return folder


print(f"torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}", flush=True)
sums = work / "sums.jsonl"
sums.write_text("".join(json.dumps({"prompt": f"{a}+{a}=", "completion": str(2 * a)}) + "\n" for a in (3, 4, 5)))
some_ids = [[4, 5, 13, 6, 15, 7, 9, 9], [10, 11, 12, 100, 150, 198]]
dense = small("dense", transformers.LlamaConfig, transformers.LlamaForCausalLM)
compare("small dense", dense, some_ids, sums, ["q_proj", "v_proj", "down_proj"])
moe = small(
    "experts", transformers.Qwen3MoeConfig, transformers.Qwen3MoeForCausalLM, moe_intermediate_size=32, num_experts=6,
    num_experts_per_tok=2, decoder_sparse_step=1, mlp_only_layers=[], norm_topk_prob=True)
compare("experts", moe, some_ids, sums, ["all-linear"])
tokenizer = transformers.AutoTokenizer.from_pretrained(model)
compare(model.name, as_float32(model), [tokenizer(text)["input_ids"] for text in TEXTS], demonstrations(work), ["all-linear"])
