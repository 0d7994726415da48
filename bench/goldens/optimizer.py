"""Makes core/src/test/resources/train/{adamw,schedules}.json: what PyTorch's AdamW and schedulers do with given gradients.

Run as
    python -m venv /tmp/goldens && /tmp/goldens/bin/pip install torch numpy
    /tmp/goldens/bin/python bench/goldens/optimizer.py core/src/test/resources/train

adamw.json: for each case the settings, and for a matrix and a vector the values before, and for each step the learning
rate, the scale that multiplies the gradient first, the gradient, and the values after. Weight decay is of the matrix only, as
in MinPRO. Numbers of a float32 case are those of float32 tensors, written as the doubles that they are.

schedules.json: the learning rate of each update of a run. The warm-up is LinearLR from 1/w to 1 over w - 1 updates, then
comes ConstantLR, LinearLR to 0 or CosineAnnealingLR to 0 over the rest, joined by SequentialLR.
"""

import json
import pathlib
import sys

import torch
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, SequentialLR

STEPS = 6
ELEMENTS = 12


def adamw(name, dtype, beta1=0.9, beta2=0.999, epsilon=1e-8, decay=0.0, scales=(1.0,), peak=1e-2):
    generator = torch.Generator().manual_seed(len(name))
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)
    matrix = torch.nn.Parameter(draw(3, ELEMENTS // 3).to(dtype))
    vector = torch.nn.Parameter((1 + 0.1 * draw(ELEMENTS)).to(dtype))
    optimizer = torch.optim.AdamW(
        [{"params": [matrix], "weight_decay": decay}, {"params": [vector], "weight_decay": 0.0}],
        lr=peak, betas=(beta1, beta2), eps=epsilon, foreach=False,
    )
    values = lambda tensor: tensor.detach().flatten().tolist()
    case = {
        "name": name, "type": "f32" if dtype == torch.float32 else "f64", "beta1": beta1, "beta2": beta2,
        "epsilon": epsilon, "weight_decay": decay, "matrix": values(matrix), "vector": values(vector), "steps": [],
    }
    for step in range(STEPS):
        rate = peak * (1 - step / 10)
        scale = scales[step % len(scales)]
        # Gradients of very different sizes, one of them zero throughout: its element only decays.
        sizes = torch.logspace(-6, 3, ELEMENTS, dtype=torch.float64)
        gradients = []
        for parameter in (matrix, vector):
            gradient = (draw(ELEMENTS) * sizes).to(dtype)
            gradient[5] = 0
            gradients.append(gradient)
            parameter.grad = (gradient * scale).reshape(parameter.shape)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        case["steps"].append({
            "rate": rate, "scale": scale, "matrix_gradient": values(gradients[0]), "vector_gradient": values(gradients[1]),
            "matrix": values(matrix), "vector": values(vector),
        })
    return case


def schedule(kind, peak, warmup, updates):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak)
    rest = updates - warmup
    after = {
        "constant": lambda: ConstantLR(optimizer, factor=1.0, total_iters=rest),
        "linear": lambda: LinearLR(optimizer, start_factor=1.0, end_factor=0.0, total_iters=rest),
        "cosine": lambda: CosineAnnealingLR(optimizer, T_max=rest, eta_min=0.0),
    }[kind]
    if warmup == 0:
        scheduler = after()
    else:
        first = LinearLR(optimizer, start_factor=1 / warmup, end_factor=1.0, total_iters=warmup - 1)
        scheduler = SequentialLR(optimizer, [first, after()], milestones=[warmup])
    rates = []
    for _ in range(updates):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return {"schedule": kind, "learning_rate": peak, "warmup_updates": warmup, "updates": updates, "rates": rates}


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    cases = []
    for dtype in (torch.float64, torch.float32):
        cases += [
            adamw("plain", dtype),
            adamw("decayed", dtype, decay=0.1),
            adamw("clipped", dtype, scales=(1.0, 0.25, 3e-3)),
            adamw("all of it", dtype, beta1=0.8, beta2=0.95, epsilon=1e-5, decay=0.3, scales=(0.5, 1.0)),
        ]
    schedules = [
        schedule(kind, peak, warmup, updates)
        for kind in ("constant", "linear", "cosine")
        for peak, warmup, updates in ((4e-5, 0, 30), (2e-6, 5, 30), (1e-3, 20, 30), (1e-3, 29, 30))
    ]
    for name, content in (("adamw", cases), ("schedules", schedules)):
        lines = ",\n".join(json.dumps(entry) for entry in content)
        (folder / (name + ".json")).write_text("[\n" + lines + "\n]\n")


main()
