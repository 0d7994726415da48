"""Makes the tiny random checkpoints of core/src/test/resources/models and their references.

Run as
    python -m venv /tmp/goldens && /tmp/goldens/bin/pip install -r bench/goldens/model_requirements.txt
    /tmp/goldens/bin/python bench/goldens/model_fixtures.py core/src/test/resources/models

Each model is built by transformers, computed in float64 (below is what transformers computes in float32 whatever the
dtype, done in float64), and accepted only if it can fail a wrong implementation:
  - matrices with a standard deviation of at least 0.15, norms at least 0.2 from 1, biases at least 0.2 from 0;
  - leaving out any tensor, the rotary scaling or its attention factor, or rotating a layer that has no rotation, moves
    some log-probability by more than 1e-2;
  - 64 greedy tokens with at least 16 distinct ones, each ahead of the next best by at least 1e-3 nats;
  - no expert chosen by a margin of probability under 1e-4.
Seeds are tried in order until one does. The numbers transformers itself gives in float32 must be within 1e-4.

A folder has the checkpoint as transformers writes it, reference.json and gradients.safetensors:
  sequences  two lists of token ids, 160 and 128 long
  log_probs  for each, log p(id[t] | id[<t]) for t >= 1, natural logarithm
  greedy     prompt and the 64 ids that follow
  router     for each sparse layer: the number of tokens of the first sequence that each expert got, and the mean
             entropy of the router's distribution, in nats
gradients are those of the mean of log_probs[0], named as the tensors of the checkpoint.

long-context is of another kind: 16,384 positions, 7 query heads for each key head, two sequences of 8,192 tokens that are
functions of their index (long_sequence). Its log_probs has every 64th, and there are no gradients. It is accepted only if
the second half's log-probabilities move by more than 1e-2 on average when the first half is left out.
"""

import argparse
import copy
import json
import math
import pathlib
import shutil

import safetensors.torch
import torch
import transformers
from transformers.models.llama import modeling_llama
from transformers.models.mistral import modeling_mistral
from transformers.models.qwen2 import modeling_qwen2
from transformers.models.qwen3 import modeling_qwen3
from transformers.models.qwen3_moe import modeling_qwen3_moe
from transformers.models.smollm3 import modeling_smollm3

COMMON = dict(
    max_position_embeddings=256, hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, rms_norm_eps=1e-5, initializer_range=0.2, pad_token_id=None, bos_token_id=None)

# "old": write config.json as transformers 4 did. "shards": bytes per file. "fused": experts in one tensor.
MODELS = {
    "llama-gqa": dict(
        type="llama", dtype="float32", vocab_size=97, rope_theta=10000.0, eos_token_id=1, tie_word_embeddings=False),
    "llama-llama3-scaling-tied": dict(
        type="llama", dtype="bfloat16", vocab_size=89, head_dim=16, num_key_value_heads=1, tie_word_embeddings=True,
        eos_token_id=[1, 3], old=True, rope_theta=10000.0,
        rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                          original_max_position_embeddings=64)),
    "llama-linear-scaling": dict(
        type="llama", dtype="float16", vocab_size=83, head_dim=16, num_key_value_heads=4, tie_word_embeddings=False,
        eos_token_id=2, old=True, rope_theta=5000.0, rope_scaling=dict(type="linear", factor=4.0)),
    "llama-biases": dict(
        type="llama", dtype="float32", vocab_size=64, attention_bias=True, mlp_bias=True, tie_word_embeddings=True,
        eos_token_id=0, rope_theta=10000.0),
    "qwen2-tied": dict(
        type="qwen2", dtype="bfloat16", vocab_size=90, tie_word_embeddings=True, old=True, rope_theta=1000000.0,
        rms_norm_eps=1e-6, eos_token_id=5),
    "qwen2-shards": dict(
        type="qwen2", dtype="float32", vocab_size=71, tie_word_embeddings=False, rope_theta=10000.0, shards="40KB",
        eos_token_id=5),
    "qwen3": dict(
        type="qwen3", dtype="float32", vocab_size=96, head_dim=12, num_attention_heads=4, tie_word_embeddings=True,
        rope_theta=10000.0, rms_norm_eps=1e-6, eos_token_id=7),
    "qwen3-moe": dict(
        type="qwen3_moe", dtype="float32", vocab_size=80, head_dim=8, num_experts=8, num_experts_per_tok=3,
        moe_intermediate_size=16, norm_topk_prob=True, decoder_sparse_step=1, tie_word_embeddings=False,
        rope_theta=10000.0, rms_norm_eps=1e-6, eos_token_id=7),
    "qwen3-moe-mixed-layers": dict(
        type="qwen3_moe", dtype="bfloat16", vocab_size=80, head_dim=8, num_hidden_layers=4, num_experts=6,
        num_experts_per_tok=2, moe_intermediate_size=24, norm_topk_prob=False, decoder_sparse_step=2,
        mlp_only_layers=[3], attention_bias=True, tie_word_embeddings=False, rope_theta=10000.0, fused=True,
        eos_token_id=7),
    "llama-yarn": dict(
        type="llama", dtype="bfloat16", vocab_size=67, head_dim=16, tie_word_embeddings=True, eos_token_id=1,
        rope_theta=10000.0,
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64, beta_fast=2.0)),
    "mistral": dict(
        type="mistral", dtype="float32", vocab_size=61, head_dim=12, tie_word_embeddings=False, eos_token_id=2,
        rope_theta=10000.0, sliding_window=None),
    "mistral-yarn": dict(
        type="mistral", dtype="bfloat16", vocab_size=61, head_dim=32, num_attention_heads=2, num_key_value_heads=1,
        tie_word_embeddings=True, eos_token_id=2, rope_theta=10000.0, sliding_window=256,
        rope_scaling=dict(rope_type="yarn", factor=8.0, original_max_position_embeddings=128, beta_fast=8.0,
                          beta_slow=0.5, attention_factor=1.5, truncate=False)),
    "qwen2-yarn": dict(
        type="qwen2", dtype="bfloat16", vocab_size=67, head_dim=16, tie_word_embeddings=True, old=True,
        rope_theta=10000.0, rms_norm_eps=1e-6, eos_token_id=5,
        rope_scaling=dict(type="yarn", factor=4.0, original_max_position_embeddings=64)),
    "qwen3-yarn": dict(
        type="qwen3", dtype="bfloat16", vocab_size=67, head_dim=16, tie_word_embeddings=True, rope_theta=10000.0,
        rms_norm_eps=1e-6, eos_token_id=7,
        rope_scaling=dict(rope_type="yarn", factor=16.0, original_max_position_embeddings=64, mscale=2.0,
                          mscale_all_dim=0.5)),
    "qwen3-moe-yarn": dict(
        type="qwen3_moe", dtype="bfloat16", vocab_size=59, head_dim=16, num_experts=4, num_experts_per_tok=2,
        moe_intermediate_size=16, norm_topk_prob=True, decoder_sparse_step=1, tie_word_embeddings=True, old=True,
        rope_theta=10000.0, rms_norm_eps=1e-6, eos_token_id=7,
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=64)),
    "smollm3": dict(
        type="smollm3", dtype="bfloat16", vocab_size=67, num_hidden_layers=4, tie_word_embeddings=True,
        rope_theta=10000.0, rms_norm_eps=1e-6, eos_token_id=3),
    "smollm3-yarn": dict(
        type="smollm3", dtype="float32", vocab_size=61, num_hidden_layers=3, num_key_value_heads=1,
        no_rope_layers=[0, 1, 1], tie_word_embeddings=False, mlp_bias=True, old=True,
        rope_theta=10000.0, rms_norm_eps=1e-6, eos_token_id=3,
        rope_scaling=dict(type="yarn", factor=4.0, original_max_position_embeddings=128)),
}

# Whose norms and rotary embeddings compute in float32 whatever the dtype.
FAMILIES = (
    (modeling_llama, "Llama"), (modeling_mistral, "Mistral"), (modeling_qwen2, "Qwen2"), (modeling_qwen3, "Qwen3"),
    (modeling_qwen3_moe, "Qwen3Moe"), (modeling_smollm3, "SmolLM3"))

LONG = "long-context"
LONG_SPEC = dict(
    type="qwen2", dtype="float32", vocab_size=96, max_position_embeddings=16384, hidden_size=56, intermediate_size=72,
    num_attention_heads=14, num_key_value_heads=2, head_dim=8, tie_word_embeddings=True, rope_theta=1000000.0,
    rms_norm_eps=1e-6, eos_token_id=95)
LONG_LENGTH, LONG_STEP = 8192, 64


def in_float64():
    """Replaces what transformers always computes in float32."""

    def norm(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon))

    def rotary(self, x, position_ids):
        angles = position_ids[:, :, None].to(x.dtype) * self.inv_freq.to(x.dtype)[None, None, :]
        angles = torch.cat((angles, angles), dim=-1)
        return angles.cos() * self.attention_scaling, angles.sin() * self.attention_scaling

    def router(self, x):
        logits = torch.nn.functional.linear(x.reshape(-1, self.hidden_dim), self.weight)
        probabilities = logits.softmax(-1)
        top, indices = probabilities.topk(self.top_k, dim=-1)
        if self.norm_topk_prob:
            top = top / top.sum(-1, keepdim=True)
        self.seen = probabilities.detach()
        return logits, top, indices

    for module, prefix in FAMILIES:
        getattr(module, prefix + "RMSNorm").forward = norm
        getattr(module, prefix + "RotaryEmbedding").forward = rotary
    modeling_qwen3_moe.Qwen3MoeTopKRouter.forward = router


def build(spec, seed):
    keys = {**COMMON, **{k: v for k, v in spec.items() if k not in ("type", "dtype", "old", "shards", "fused")}}
    config = transformers.AutoConfig.for_model(spec["type"], **copy.deepcopy(keys))
    config._attn_implementation = "sdpa"
    config._experts_implementation = "eager"
    torch.manual_seed(seed)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight"):
                sign = torch.where(torch.rand_like(parameter) < 0.5, -1.0, 1.0)
                parameter.copy_(1 + sign * (0.25 + 0.35 * torch.rand_like(parameter)))
            elif name.endswith(".bias"):
                sign = torch.where(torch.rand_like(parameter) < 0.5, -1.0, 1.0)
                parameter.copy_(sign * (0.25 + 0.5 * torch.rand_like(parameter)))
            elif "embed_tokens" in name:
                parameter.copy_(0.5 * torch.randn_like(parameter))
            else:
                parameter.copy_((0.4 if "mlp.gate.weight" in name else 0.25) * torch.randn_like(parameter))
        # What is stored is what is computed with.
        dtype = getattr(torch, spec["dtype"])
        for parameter in model.parameters():
            parameter.copy_(parameter.to(dtype).float())
    return model.eval()


def log_probs(model, ids):
    out = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0].log_softmax(-1)
    return out[:-1].gather(-1, torch.tensor(ids[1:])[:, None])[:, 0]


def greedy(model, prompt):
    ids, margin = list(prompt), math.inf
    for _ in range(64):
        top = model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].log_softmax(-1).topk(2)
        margin = min(margin, (top.values[0] - top.values[1]).item())
        ids.append(top.indices[0].item())
    return ids[len(prompt):], margin


def checkpoint_parts(model):
    """What could be left out: the tensors of a checkpoint, so every expert's projections each."""
    for name, parameter in model.named_parameters():
        if name.endswith("experts.gate_up_proj"):
            half = parameter.shape[1] // 2
            for expert, both in enumerate(parameter.data):
                yield f"{name}[{expert}, gate]", both[:half]
                yield f"{name}[{expert}, up]", both[half:]
        elif name.endswith("experts.down_proj"):
            for expert, down in enumerate(parameter.data):
                yield f"{name}[{expert}]", down
        else:
            yield name, parameter.data


def least_effect(model, ids, reference):
    """The smallest of the largest changes of a log-probability when one tensor is left out: norms as 1, others as 0."""
    least, culprit = math.inf, ""
    for name, data in checkpoint_parts(model):
        saved = data.clone()
        data.fill_(1.0 if name.endswith("norm.weight") else 0.0)
        moved = (log_probs(model, ids) - reference).abs().max().item()
        data.copy_(saved)
        if moved < least:
            least, culprit = moved, name
    return least, culprit


def scaling_effect(model, ids, reference):
    rotary = model.model.rotary_emb
    scaled = rotary.inv_freq.clone()
    dim = 2 * scaled.numel()
    theta = model.config.rope_parameters["rope_theta"]
    plain = 1.0 / theta ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    changed = (scaled / plain.to(scaled.dtype)).tolist()
    rotary.inv_freq.copy_(plain)
    moved = (log_probs(model, ids) - reference).abs().max().item()
    rotary.inv_freq.copy_(scaled)
    return moved, changed


def attention_factor_effect(model, ids, reference):
    rotary = model.model.rotary_emb
    factor, rotary.attention_scaling = rotary.attention_scaling, 1.0
    moved = (log_probs(model, ids) - reference).abs().max().item()
    rotary.attention_scaling = factor
    return moved


def rotation_effect(model, ids, reference):
    """What rotating the layers without rotation changes, the least of them."""
    least = math.inf
    for layer in model.model.layers:
        if not getattr(layer.self_attn, "use_rope", True):
            layer.self_attn.use_rope = 1
            least = min(least, (log_probs(model, ids) - reference).abs().max().item())
            layer.self_attn.use_rope = 0
    return least


def sparse_layers(model):
    return [(i, layer.mlp.gate) for i, layer in enumerate(model.model.layers) if hasattr(layer.mlp, "gate")]


def write(name, spec, folder):
    """Tries seeds until one gives a model that can fail a wrong implementation, and writes it."""
    for seed in range(400):
        model = build(spec, seed)
        generator = torch.Generator().manual_seed(1000 + seed)
        sequences = [torch.randint(spec["vocab_size"], (n,), generator=generator).tolist() for n in (160, 128)]
        with torch.no_grad():
            double = model.double()
            double.model.rotary_emb.inv_freq = double.model.rotary_emb.inv_freq.double()
            prompt = sequences[0][:12]
            ids, margin = greedy(double, prompt)
            eos = spec["eos_token_id"] if isinstance(spec["eos_token_id"], list) else [spec["eos_token_id"]]
            if len(set(ids)) < 16 or margin < 1e-3 or set(ids) & set(eos):
                continue
            reference = [log_probs(double, s) for s in sequences]
            least, culprit = least_effect(double, sequences[0], reference[0])
            if least <= 2e-2:
                print(f"{name} seed {seed}: leaving out {culprit} moves {least:.3g} only")
                continue
            if min(r.min().item() for r in reference) < -40:
                continue
            if rotation_effect(double, sequences[0], reference[0]) <= 2e-2:
                continue
            if spec.get("rope_scaling"):
                moved, changed = scaling_effect(double, sequences[0], reference[0])
                if moved <= 2e-2:
                    continue
                if spec["rope_scaling"].get("rope_type") == "llama3":
                    factor = spec["rope_scaling"]["factor"]
                    bands = [sum(abs(c - 1) < 1e-6 for c in changed), sum(abs(c * factor - 1) < 1e-6 for c in changed)]
                    assert bands[0] and bands[1] and sum(bands) < len(changed), changed
                if double.model.rotary_emb.attention_scaling != 1:
                    if attention_factor_effect(double, sequences[0], reference[0]) <= 2e-2:
                        continue
            router = {}
            log_probs(double, sequences[0])
            closest = math.inf
            for layer, gate in sparse_layers(double):
                top = gate.seen.sort(dim=-1, descending=True).values
                closest = min(closest, (top[:, gate.top_k - 1] - top[:, gate.top_k]).min().item())
                chosen = gate.seen.topk(gate.top_k, dim=-1).indices.flatten()
                entropy = -(gate.seen * gate.seen.log()).sum(-1).mean().item()
                router[str(layer)] = dict(load=torch.bincount(chosen, minlength=gate.num_experts).tolist(),
                                          entropy=entropy)
            log_probs(double, sequences[1])
            for layer, gate in sparse_layers(double):
                top = gate.seen.sort(dim=-1, descending=True).values
                closest = min(closest, (top[:, gate.top_k - 1] - top[:, gate.top_k]).min().item())
            if closest < 1e-4:
                continue
        double.zero_grad()
        log_probs(double, sequences[0]).mean().backward()
        deviations = {n: p.std().item() for n, p in double.named_parameters() if p.dim() > 1}
        assert min(deviations.values()) >= 0.15, deviations
        save(name, spec, seed, folder)
        reference_json = dict(
            made_with=f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float64",
            seed=seed, sequences=sequences, log_probs=[r.tolist() for r in reference],
            greedy=dict(prompt=prompt, ids=ids, margin=margin))
        if router:
            reference_json["router"] = router
        (folder / "reference.json").write_text(json.dumps(reference_json, separators=(",", ":")) + "\n")
        gradients = {n: p.grad.float() for n, p in double.named_parameters()}
        safetensors.torch.save_file(split_experts(gradients), folder / "gradients.safetensors", metadata={"format": "pt"})
        print(f"{name}: seed {seed}, {sum(p.numel() for p in double.parameters())} parameters, "
              f"{len(set(ids))} distinct greedy tokens, margin {margin:.2g}, least effect {least:.2g} ({culprit})"
              + (f", closest routing {closest:.2g}" if router else ""))
        return sequences, reference
    raise SystemExit(f"{name}: no seed does")


def long_sequence(index, vocabulary):
    """Numbers of a linear congruential generator (Numerical Recipes'), so that no list of 8,192 ids need be stored."""
    state, ids = index + 1, []
    for _ in range(LONG_LENGTH):
        state = (1664525 * state + 1013904223) % 2**32
        ids.append((state >> 16) % vocabulary)
    return ids


def write_long(folder):
    for seed in range(100):
        model = build(LONG_SPEC, seed)
        sequences = [long_sequence(i, LONG_SPEC["vocab_size"]) for i in range(2)]
        with torch.no_grad():
            double = model.double()
            double.model.rotary_emb.inv_freq = double.model.rotary_emb.inv_freq.double()
            reference = [log_probs(double, s) for s in sequences]
            half = LONG_LENGTH // 2
            moved = min((log_probs(double, s[half:]) - r[half:]).abs().mean().item() for s, r in zip(sequences, reference))
            least, culprit = least_effect(double, sequences[0][:512], reference[0][:511])
        print(f"{LONG} seed {seed}: without its first half the second moves by {moved:.2g}, least effect {least:.2g} ({culprit})")
        if moved > 1e-2 and least > 2e-2 and min(r.min().item() for r in reference) > -40:
            save(LONG, LONG_SPEC, seed, folder)
            (folder / "reference.json").write_text(json.dumps(dict(
                made_with=f"transformers {transformers.__version__}, torch {torch.__version__.split('+')[0]}, float64",
                seed=seed, length=LONG_LENGTH, step=LONG_STEP,
                log_probs=[r[LONG_STEP - 1::LONG_STEP].tolist() for r in reference]), separators=(",", ":")) + "\n")
            return
    raise SystemExit(f"{LONG}: no seed does")


def stock_long(folder):
    """What transformers itself computes from the folder in float32."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    expected = json.loads((folder / "reference.json").read_text())["log_probs"]
    worst = 0.0
    with torch.no_grad():
        for i, of_sequence in enumerate(expected):
            of_sequence = torch.tensor(of_sequence, dtype=torch.float64)
            actual = log_probs(model, long_sequence(i, LONG_SPEC["vocab_size"]))[LONG_STEP - 1::LONG_STEP].double()
            worst = max(worst, ((actual - of_sequence).abs() / of_sequence.abs().clamp(min=1)).max().item())
    return worst


def split_experts(tensors):
    """One tensor per expert, as checkpoints store them."""
    split = {}
    for name, tensor in tensors.items():
        if name.endswith("experts.gate_up_proj"):
            for e, (gate, up) in enumerate(zip(*tensor.chunk(2, dim=1))):
                split[name.replace("gate_up_proj", f"{e}.gate_proj.weight")] = gate.contiguous()
                split[name.replace("gate_up_proj", f"{e}.up_proj.weight")] = up.contiguous()
        elif name.endswith("experts.down_proj"):
            for e, down in enumerate(tensor):
                split[name.replace("down_proj", f"{e}.down_proj.weight")] = down.contiguous()
        else:
            split[name] = tensor.contiguous()
    return split


def save(name, spec, seed, folder):
    shutil.rmtree(folder, ignore_errors=True)
    model = build(spec, seed).to(getattr(torch, spec["dtype"]))
    model.config.dtype = getattr(torch, spec["dtype"])
    model.save_pretrained(folder, max_shard_size=spec.get("shards", "1GB"),
                          save_original_format=not spec.get("fused", False))
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config.pop("transformers_version")
    if spec.get("old"):
        config.pop("rope_parameters")
        config["rope_theta"] = spec["rope_theta"]
        config["rope_scaling"] = spec.get("rope_scaling")
        config["torch_dtype"] = config.pop("dtype")
        config.pop("layer_types", None)
    if "num_local_experts" in config and not spec.get("fused"):
        config["num_experts"] = config.pop("num_local_experts")
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    generation = folder / "generation_config.json"
    if generation.exists():
        keys = json.loads(generation.read_text())
        keys.pop("transformers_version")
        generation.write_text(json.dumps(keys, indent=2, sort_keys=True) + "\n")


def stock(folder):
    """What transformers itself computes from the folder in float32."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    reference = json.loads((folder / "reference.json").read_text())
    with torch.no_grad():
        worst = 0.0
        for ids, expected in zip(reference["sequences"], reference["log_probs"]):
            expected = torch.tensor(expected, dtype=torch.float64)
            error = (log_probs(model, ids).double() - expected).abs() / expected.abs().clamp(min=1)
            worst = max(worst, error.max().item())
    return worst


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("names", nargs="*", help="only these models")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    names = arguments.names or [*MODELS, LONG]
    unpatched = {(c, "forward"): c.forward for m, p in FAMILIES
                 for c in (getattr(m, p + "RMSNorm"), getattr(m, p + "RotaryEmbedding"))}
    unpatched[(modeling_qwen3_moe.Qwen3MoeTopKRouter, "forward")] = modeling_qwen3_moe.Qwen3MoeTopKRouter.forward
    in_float64()
    for name in names:
        write_long(arguments.out / name) if name == LONG else write(name, MODELS[name], arguments.out / name)
    for (owner, attribute), function in unpatched.items():
        setattr(owner, attribute, function)
    for name in names:
        worst = (stock_long if name == LONG else stock)(arguments.out / name)
        print(f"{name}: transformers in float32 is within {worst:.2g}")
        assert worst <= 1e-4


if __name__ == "__main__":
    main()
