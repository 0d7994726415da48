#!/usr/bin/env python3
"""What TRL's and verl's own functions say of small batches: losses, gradients and advantages in float64.

Their functions are called as they are installed; nothing of them is written down here but the names of their settings.

    python3 -m venv environment
    environment/bin/pip install -r bench/goldens/framework_requirements.txt
    environment/bin/pip install --no-deps verl==0.9.1
    environment/bin/python bench/goldens/frameworks.py core/src/test/resources

writes frameworks/losses.json (batches by name, and cases that say which of our losses is which of theirs) and
frameworks/advantages.json.
"""

import importlib.metadata
import json
import math
import random
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy
import torch
import trl
from trl.experimental.gmpo import GMPOTrainer
from verl.trainer.ppo import core_algos, rollout_corr_helper
from verl.workers.config import ActorConfig
from verl.workers.config.actor import PolicyLossConfig

torch.set_default_dtype(torch.float64)


# ---- batches ---------------------------------------------------------------------------------------------------------


def batch(seed, lengths, spread, hole, per_token_advantages=False):
    """Rows with valid tokens, holes as a tool leaves them, and what the policies say of each token."""
    source = random.Random(seed)
    rows = {name: [] for name in ("log_probs", "behavior_log_probs", "proximal_log_probs", "advantages", "mask")}
    for length in lengths:
        advantage = round(source.gauss(0, 1), 3)
        row = {name: [] for name in rows}
        for t in range(max(lengths)):
            log_prob = round(-source.expovariate(1.0) - 0.01, 6)
            row["log_probs"].append(log_prob)
            row["behavior_log_probs"].append(round(min(-0.001, log_prob - source.gauss(0, spread)), 6))
            row["proximal_log_probs"].append(round(min(-0.001, log_prob - source.gauss(0, spread / 2)), 6))
            row["advantages"].append(round(source.gauss(0, 1), 3) if per_token_advantages else advantage)
            row["mask"].append(1 if t == 0 or (t < length and source.random() >= hole) else 0)
        for name in rows:
            rows[name].append(row[name])
    return rows


BATCHES = {
    "near": batch(1, [8, 4, 7, 1, 6], 0.08, 0.1),
    "far": batch(2, [9, 9, 5, 3], 0.6, 0.15),
    "an advantage for each token": batch(3, [6, 5, 6], 0.4, 0.1, per_token_advantages=True),
}
OF_ROWS = ["near", "far"]
CASES = []


def case(name, framework, function, objective, parameters, evaluate, aggregation=None, batches=BATCHES, **more):
    """Evaluates their function on every batch; the gradient is with respect to log_probs."""
    for of in batches:
        data = {key: torch.tensor(rows, dtype=torch.float64) for key, rows in BATCHES[of].items()}
        leaf = data["log_probs"].clone().requires_grad_()
        loss = evaluate(SimpleNamespace(**{**data, "log_probs": leaf}))
        loss.backward()
        entry = {"case": name, "framework": framework, "function": function, "batch": of, "objective": objective,
                 "parameters": parameters, **more,
                 "expected": {"loss": loss.item(), "gradient": leaf.grad.tolist()}}
        if aggregation:
            entry["aggregation"], entry["length"] = aggregation if isinstance(aggregation, tuple) else (aggregation, 0)
        CASES.append(entry)


# ---- verl ------------------------------------------------------------------------------------------------------------

VERL = "verl " + importlib.metadata.version("verl")
TOKEN_MEAN, SEQUENCE_MEAN, SEQUENCE_SUM = "token-mean", "seq-mean-token-mean", "seq-mean-token-sum"


def actor(policy_loss=None, **settings):
    return ActorConfig(strategy="fsdp", rollout_n=4, ppo_micro_batch_size_per_gpu=1, use_torch_compile=False,
                       policy_loss=PolicyLossConfig(**(policy_loss or {})), **settings)


def verl_loss(mode, aggregation=TOKEN_MEAN, weights=None, mask=None, old="behavior_log_probs", **settings):
    function = core_algos.get_policy_loss_fn(mode)

    def evaluate(data):
        result = function(
            old_log_prob=getattr(data, old), log_prob=data.log_probs, advantages=data.advantages,
            response_mask=data.mask if mask is None else mask(data), loss_agg_mode=aggregation, config=actor(**settings),
            rollout_is_weights=None if weights is None else weights(data))
        return result[0]

    return evaluate


def verl(name, mode, objective, parameters, aggregation=TOKEN_MEAN, ours=None, batches=BATCHES, more=None, **settings):
    case(name, VERL, mode, objective, parameters, verl_loss(mode, aggregation, **settings), ours or aggregation, batches,
         **(more or {}))


def clip(low, high, dual=None):
    settings = {"clip-low": low, "clip-high": high}
    return settings if dual is None else {**settings, "dual-clip": dual}


def ppo(low, high, dual=3.0):
    return {"clip_ratio_low": low, "clip_ratio_high": high, "clip_ratio_c": dual}


for mode, of in ((TOKEN_MEAN, None), (SEQUENCE_MEAN, None), (SEQUENCE_SUM, None),
                 ("seq-mean-token-sum-norm", ("constant-length", 5))):
    verl("PPO with its dual, " + mode, "vanilla", "dual-clip", clip(0.2, 0.28, 1.5), mode, of,
         global_batch_info={"loss_scale_factor": 5}, **ppo(0.2, 0.28, 1.5))
verl("PPO's clip", "vanilla", "grpo", clip(0.2, 0.2), **ppo(0.2, 0.2, 1e9))
verl("clip higher", "vanilla", "dapo", clip(0.2, 0.28), **ppo(0.2, 0.28, 1e9))
for cap in (20.0, 1.2):
    verl("DPPO-TV", "dppo_tv", "dppo-tv", {"delta-low": 0.05, "delta-high": 0.1, "cap": cap}, **ppo(0.05, 0.1, cap))
    verl("DPPO-KL", "dppo_kl", "dppo-kl", {"delta-low": 0.01, "delta-high": 0.02, "cap": cap}, **ppo(0.01, 0.02, cap))
for low, high in ((3e-4, 4e-4), (0.1, 0.2)):
    verl("GSPO in its token form", "gspo", "gspo", clip(low, high), SEQUENCE_MEAN, **ppo(low, high))
verl("SAPO", "sapo", "sapo", {"tau-positive": 1.0, "tau-negative": 1.05}, SEQUENCE_MEAN, tau_pos=1.0, tau_neg=1.05)
verl("policy gradient", "gpg", "reinforce", {})
# Of its candidates verl chooses at random; where all of them are chosen there is no chance in it.
verl("Clip-Cov, all candidates", "clip_cov", "clip-cov", {**clip(0.2, 0.2), "fraction": 1.0, "cov-low": 0.1, "cov-high": 5.0},
     policy_loss={"clip_cov_ratio": 1.0, "clip_cov_lb": 0.1, "clip_cov_ub": 5.0}, **ppo(0.2, 0.2))
verl("KL-Cov", "kl_cov", "kl-cov", {"fraction": 0.2, "coefficient": 0.5},
     policy_loss={"kl_cov_ratio": 0.2, "ppo_kl_coef": 0.5})
for e in (0.4, 0.1):
    verl("GMPO", "geo_mean", "gmpo", {"clip": e}, SEQUENCE_MEAN, **ppo(e, e))
verl("DRO", "dro", "kimi", {"tau": 0.3}, policy_loss={"dro_beta": 0.3})
for low, high in ((10.0, 0.2), (0.2, 0.28)):
    verl("CISPO", "cispo", "cispo", {"floor": max(0.0, 1 - low), "cap": 1 + high}, **ppo(low, high))
for level in ("token", "sequence"):
    verl("policy gradient with capped weights, " + level, "bypass_mode", "tis-reinforce", {"level": level, "cap": 2.0},
         policy_loss={"rollout_correction": {"loss_type": "reinforce", "rollout_is": level, "rollout_is_threshold": 2.0}})

# Corrections: their weights and masks are between the proximal policy and the one that sampled.


def correction(**settings):
    def compute(data):
        weights, mask, _ = rollout_corr_helper.compute_rollout_correction_and_rejection_mask(
            old_log_prob=data.proximal_log_probs, rollout_log_prob=data.behavior_log_probs, response_mask=data.mask,
            **settings)
        return None if weights is None else weights.batch["rollout_is_weights"], mask

    return compute


def corrected(name, ours, aggregation=TOKEN_MEAN, **settings):
    compute = correction(**settings)
    # A batch of which nothing is left has no mean.
    kept = [of for of in BATCHES
            if compute(SimpleNamespace(**{k: torch.tensor(v, dtype=torch.float64) for k, v in BATCHES[of].items()}))[1].any()]
    verl(name, "vanilla", "grpo", clip(0.2, 0.2), aggregation, batches=kept, more={"anchor": "proximal", "corrections": [ours]},
         weights=lambda data: compute(data)[0], mask=lambda data: compute(data)[1], old="proximal_log_probs",
         **ppo(0.2, 0.2, 1e9))


for level in ("token", "sequence"):
    corrected("TIS, " + level, {"name": "tis", "level": level, "cap": 1.1}, rollout_is=level, rollout_is_threshold=1.1)
corrected("IcePop", {"name": "icepop", "low": 0.8, "high": 1.2}, rollout_is="token", rollout_is_threshold="0.8_1.2")
for option, ours in (
        ("token_k1", {"estimator": "k1", "level": "token"}), ("seq_sum_k1", {"estimator": "k1", "level": "sequence-sum"}),
        ("seq_mean_k1", {"estimator": "k1", "level": "sequence-mean"})):
    corrected("rejection by " + option, {"name": "divergence", "leave-denominator": True, "ratio-low": 0.7,
                                         "ratio-high": 1.3, **ours}, rollout_rs=option, rollout_rs_threshold="0.7_1.3")
for option, ours, threshold in (
        ("token_k2", {"estimator": "k2", "level": "token"}, 0.01), ("token_k3", {"estimator": "k3", "level": "token"}, 0.01),
        ("seq_sum_k3", {"estimator": "k3", "level": "sequence-sum"}, 0.05),
        ("seq_mean_k2", {"estimator": "k2", "level": "sequence-mean"}, 0.05),
        ("seq_mean_k3", {"estimator": "k3", "level": "sequence-mean"}, 0.01),
        ("seq_max_k2", {"estimator": "k2", "level": "sequence-max"}, 0.1),
        ("seq_max_k3", {"estimator": "k3", "level": "sequence-max"}, 0.1)):
    for mode in (TOKEN_MEAN, SEQUENCE_MEAN):
        corrected("rejection by %s, %s" % (option, mode),
                  {"name": "divergence", "leave-denominator": True, "threshold": threshold, **ours}, mode,
                  rollout_rs=option, rollout_rs_threshold=str(threshold))

# Penalties: the policy gradient and theirs, each aggregated by verl.


def penalised(estimator, kind):
    def evaluate(data):
        gradient = verl_loss("gpg")(data)
        kl = core_algos.kl_penalty(data.log_probs, data.proximal_log_probs, kind)
        return gradient + 0.5 * core_algos.agg_loss(kl, data.mask, TOKEN_MEAN)

    case("KL, " + kind, VERL, "kl_penalty", "reinforce", {}, evaluate, TOKEN_MEAN, penalties=[
        {"name": "kl", "against": "proximal", "estimator": estimator, "coefficient": 0.5}])


for estimator, kind in (("k1", "kl"), ("k2", "mse"), ("k3", "low_var_kl")):
    penalised(estimator, kind)


# ---- TRL -------------------------------------------------------------------------------------------------------------

TRL = "trl " + trl.__version__
LENGTH = 9


class Anything:
    """What a function logs to and does not read."""

    def __getitem__(self, name):
        return self

    def append(self, value):
        pass


def trl_loss(loss_type, trainer=trl.GRPOTrainer, level="token", low=0.2, high=0.2, threshold=None, beta=0.0, rows=False,
             **arguments):
    def evaluate(data):
        count = data.mask.sum()
        identity = lambda x, reduction=None: x  # noqa: E731
        self = SimpleNamespace(
            loss_type=loss_type, importance_sampling_level=level, epsilon_low=low, epsilon_high=high, beta=beta,
            off_policy_mask_threshold=threshold, top_entropy_quantile=1.0, use_vllm=False, aux_loss_enabled=False,
            vllm_importance_sampling_correction=False, _entropy_bonus_enabled=False, use_adaptive_entropy=False,
            current_gradient_accumulation_steps=1, max_completion_length=LENGTH, model=SimpleNamespace(training=True),
            _metrics=Anything(),
            accelerator=SimpleNamespace(num_processes=1, gather=identity, reduce=identity, sync_gradients=True),
            args=SimpleNamespace(delta=None, steps_per_generation=1, use_bias_correction_kl=False, **arguments),
            get_gamma_weights=trainer.get_gamma_weights, get_off_policy_mask=trainer.get_off_policy_mask,
            _get_per_token_logps_and_entropies=lambda *a, **k: (data.log_probs, torch.zeros_like(data.log_probs), None))
        shape = data.mask.shape
        inputs = {
            "prompt_ids": torch.zeros(shape[0], 1), "prompt_mask": torch.ones(shape[0], 1),
            "completion_ids": torch.zeros(shape), "completion_mask": data.mask,
            "advantages": data.advantages[:, 0] if rows else data.advantages,
            "old_per_token_logps": data.behavior_log_probs, "ref_per_token_logps": data.proximal_log_probs,
            "num_items_in_batch": count}
        return trainer._compute_loss(self, SimpleNamespace(training=True), inputs)

    return evaluate


def trl_case(name, loss_type, objective, parameters, aggregation, batches=BATCHES, more=None, **settings):
    case(name, TRL, "_compute_loss, " + loss_type, objective, parameters, trl_loss(loss_type, **settings), aggregation,
         batches, **(more or {}))


trl_case("GRPO", "grpo", "grpo", clip(0.2, 0.2), SEQUENCE_MEAN)
trl_case("BNPO", "bnpo", "dapo", clip(0.2, 0.28), TOKEN_MEAN, high=0.28)
trl_case("DAPO", "dapo", "dapo", clip(0.2, 0.28), TOKEN_MEAN, high=0.28)
trl_case("Dr. GRPO", "dr_grpo", "grpo", clip(0.2, 0.2), ("constant-length", LENGTH))
trl_case("CISPO", "cispo", "cispo", {"floor": 0.0, "cap": 1.2}, TOKEN_MEAN, high=1.2)
trl_case("SAPO", "sapo", "sapo", {"tau-positive": 1.0, "tau-negative": 1.05}, SEQUENCE_MEAN,
         sapo_temperature_pos=1.0, sapo_temperature_neg=1.05)
trl_case("VESPO", "vespo", "vespo", {"k-positive": 2.0, "lambda-positive": 3.0, "k-negative": 3.0, "lambda-negative": 2.0},
         TOKEN_MEAN, vespo_k_pos=2.0, vespo_lambda_pos=3.0, vespo_k_neg=3.0, vespo_lambda_neg=2.0)
for low, high in ((3e-4, 4e-4), (0.1, 0.2)):
    trl_case("GSPO in its sequence form", "grpo", "gspo-sequence", clip(low, high), SEQUENCE_MEAN, OF_ROWS, level="sequence",
             low=low, high=high)
for low, high in ((2e-3, 2.5e-3), (0.1, 0.2)):
    trl_case("LUSPO", "luspo", "luspo", clip(low, high), SEQUENCE_SUM, OF_ROWS, level="sequence", low=low, high=high)
for e in (0.4, 0.1):
    trl_case("GMPO", "gmpo", "gmpo", {"clip": e}, SEQUENCE_MEAN, OF_ROWS, trainer=GMPOTrainer, low=e, high=e, rows=True)
for threshold in (0.5, 0.01):
    trl_case("off-policy sequence masking", "grpo", "opsm", {"threshold": threshold, **clip(0.2, 0.2)}, SEQUENCE_MEAN,
             threshold=threshold)
trl_case("GRPO with KL", "grpo", "grpo", clip(0.2, 0.2), SEQUENCE_MEAN, beta=0.3, more={
    "penalties": [{"name": "kl", "against": "proximal", "estimator": "k3", "coefficient": 0.3}]})


# ---- advantages ------------------------------------------------------------------------------------------------------


def responses(seed, sizes, steps=False):
    """Groups of scored responses: a value, that of a greedy one beside the group, two named parts, a mask with holes, and
    rewards on the way where asked for."""
    source = random.Random(seed)
    groups = []
    for size in sizes:
        greedy = round(source.random(), 3)
        group = []
        for i in range(size):
            length = source.randint(2, 6)
            parts = {"correct": float(source.random() < 0.4), "short": round(source.random(), 3)}
            mask = [1] + [int(source.random() < 0.8) for _ in range(length - 2)] + [1]
            response = {"mask": mask, "greedy": greedy, "parts": parts, "value": round(parts["correct"] + 0.5 * parts["short"], 3)}
            if steps:
                middle = source.randrange(length - 1)
                while not mask[middle]:
                    middle -= 1
                response["steps"] = {str(middle): parts["short"], str(length - 1): parts["correct"]}
                response["value"] = parts["short"] + parts["correct"]
            group.append(response)
        groups.append(group)
    return groups


def advantages(groups, estimator, config=None, **more):
    """Their estimator on all groups at once, one row of tokens for each response."""
    rows = [response for group in groups for response in group]
    width = max(len(row["mask"]) for row in rows)
    mask = torch.tensor([row["mask"] + [0] * (width - len(row["mask"])) for row in rows], dtype=torch.float64)
    rewards = torch.zeros(len(rows), width)
    for i, row in enumerate(rows):
        for t, reward in row.get("steps", {str(len(row["mask"]) - 1): row["value"]}).items():
            rewards[i, int(t)] += reward
    index = numpy.array([g for g, group in enumerate(groups) for _ in group])
    values, _ = core_algos.get_adv_estimator_fn(estimator)(
        token_level_rewards=rewards, response_mask=mask, index=index, config={} if config is None else config, **more)
    # What stands at masked tokens does not matter; ours is 0.
    return [(values * mask)[i, : len(row["mask"])].tolist() for i, row in enumerate(rows)]


GROUPS = {"outcomes": responses(1, [4, 3, 5]), "an equal group": responses(2, [4, 2]), "zero or one": responses(4, [6, 6]),
          "rewards on the way": responses(3, [3, 4], True)}
for response in GROUPS["an equal group"][1]:
    response["value"], response["parts"] = 1.0, {"correct": 1.0, "short": 0.0}
for group in GROUPS["zero or one"]:
    for response in group:
        response["value"] = response["parts"]["correct"]

OUTCOMES = ["outcomes", "an equal group", "zero or one"]
ADVANTAGES = []


def advantage(name, parameters, estimator, batches=OUTCOMES, config=None, **more):
    for of in batches:
        ADVANTAGES.append({"advantage": name, "parameters": parameters, "framework": VERL, "function": estimator,
                           "batch": of, "expected": advantages(GROUPS[of], estimator, config, **more)})


advantage("grpo", {"epsilon": 1e-6}, "grpo")
advantage("dr-grpo", {}, "grpo", norm_adv_by_std_in_grpo=False)
advantage("rloo", {}, "rloo")
advantage("pass-at-k", {"epsilon": 1e-6}, "grpo_passk", ["outcomes", "zero or one"])
advantage("opo", {}, "opo")
advantage("gpg", {}, "gpg")
for gamma in (1.0, 0.9):
    advantage("reinforce-plus-plus", {"gamma": gamma}, "reinforce_plus_plus", GROUPS, SimpleNamespace(gamma=gamma))
advantage("reinforce-plus-plus-baseline", {}, "reinforce_plus_plus_baseline")


def relative_to_greedy():
    for of in GROUPS:
        greedy = torch.tensor([row["greedy"] for group in GROUPS[of] for row in group])
        ADVANTAGES.append({"advantage": "remax", "parameters": {}, "framework": VERL, "function": "remax", "batch": of,
                           "expected": advantages(GROUPS[of], "remax", reward_baselines=greedy)})


relative_to_greedy()


def decoupled(weights):
    """verl keeps these rewards in float32."""
    for of in OUTCOMES:
        rows = [row for group in GROUPS[of] for row in group]
        lengths = [len(row["mask"]) for row in rows]
        attention = torch.tensor([[1] * (1 + n) + [0] * (max(lengths) - n) for n in lengths])
        config = {"gdpo_reward_keys": list(weights), "gdpo_reward_weights": list(weights.values())}
        ADVANTAGES.append({
            "advantage": "gdpo", "parameters": {"weights": weights}, "framework": VERL, "function": "gdpo", "batch": of,
            "tolerance": 1e-6,
            "expected": advantages(GROUPS[of], "gdpo", config, batch={"prompts": torch.zeros(len(rows), 1), "attention_mask": attention},
                                   non_tensor_batch={name: [row["parts"][name] for row in rows] for name in weights})})


decoupled({"correct": 1.0, "short": 0.5})


def rounded(value):
    """Twelve digits: the files stay small."""
    if isinstance(value, dict):
        return {key: rounded(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [rounded(entry) for entry in value]
    return float("%.12g" % value) if isinstance(value, float) and math.isfinite(value) else value


def main(folder):
    target = Path(folder) / "frameworks"
    target.mkdir(parents=True, exist_ok=True)

    def write(name, content):
        lines = ",\n".join("  " + json.dumps(rounded(entry)) for entry in content.pop("cases"))
        head = json.dumps(content)[1:-1]
        (target / name).write_text("{" + head + ',\n"cases": [\n' + lines + "\n]}\n")

    write("losses.json", {"batches": BATCHES, "cases": CASES})
    write("advantages.json", {"batches": GROUPS, "cases": ADVANTAGES})
    print(len(CASES), "losses,", len(ADVANTAGES), "advantages")


if __name__ == "__main__":
    main(sys.argv[1])
