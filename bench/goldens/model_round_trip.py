"""Opens with transformers what org.minpro.bench.CopyModel saved, and compares it with what it was loaded from.

Run from the repository, with the environment of model_fixtures.py and a class path of the bench module, as
    python bench/goldens/model_round_trip.py CLASS_PATH core/src/test/resources/models/*
For each folder: stored tensors equal byte for byte, no weight reported missing or left over, and the same
log-probabilities to the last bit, from the folder saved and from the one written anew. So are the rotary frequencies, their
attention factor, the layers without rotation, the window and the longest sequence, as transformers reads them.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import safetensors
import torch
import transformers


def stored(folder):
    tensors = {}
    for path in sorted(folder.glob("model*.safetensors")):
        with safetensors.safe_open(path, "pt") as file:
            assert file.metadata() == {"format": "pt"}, file.metadata()
            tensors.update({name: file.get_tensor(name) for name in file.keys()})
    return tensors


def log_probs(folder, ids):
    model, info = transformers.AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], info
    with torch.no_grad():
        result = model.eval()(input_ids=torch.tensor([ids])).logits.float().log_softmax(-1)
    return result, model.dtype, positions(model)


def positions(model):
    """What a model does with positions, which no log-probability of a short text may show."""
    rotary = model.model.rotary_emb
    return (rotary.inv_freq.tolist(), rotary.attention_scaling,
            *(getattr(model.config, key, None) for key in ("no_rope_layers", "sliding_window", "max_position_embeddings")))


def main():
    class_path, *folders = sys.argv[1:]
    torch.set_num_threads(1)
    for folder in map(pathlib.Path, folders):
        reference = folder / "reference.json"
        ids = json.loads(reference.read_text())["sequences"][0] if reference.exists() else list(range(1, 60))
        with tempfile.TemporaryDirectory() as out:
            subprocess.run(["java", "-Xmx1g", "--enable-native-access=ALL-UNNAMED", "-cp", class_path,
                            "org.minpro.bench.CopyModel", str(folder), out], check=True)
            saved, written = pathlib.Path(out) / "saved", pathlib.Path(out) / "written"
            before, after = stored(folder), stored(saved)
            assert before.keys() == after.keys(), before.keys() ^ after.keys()
            for name, tensor in before.items():
                assert tensor.dtype == after[name].dtype and tensor.shape == after[name].shape, name
                assert torch.equal(tensor.view(torch.uint8), after[name].view(torch.uint8)), name
            expected, dtype, places = log_probs(folder, ids)
            for copy in (saved, written):
                actual, copied, copied_places = log_probs(copy, ids)
                assert copied == dtype and torch.equal(actual, expected), copy.name
                assert copied_places == places, (copy.name, copied_places, places)
        print(f"{folder.name}: {len(before)} tensors equal, log-probabilities and positions equal, {dtype}")


if __name__ == "__main__":
    main()
