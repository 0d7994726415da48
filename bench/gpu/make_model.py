"""A random model of SmolLM2-135M's shape, and the work that its speed is measured with:

    make_model.py FOLDER TOKENIZER

FOLDER/smollm2-shape gets the model, FOLDER/real.json 4 prompts of 8 rows of 64 tokens, FOLDER/large.json 64 of 8 of 256.
TOKENIZER has tokenizer.json.gz and tokenizer_config.json.
"""

import gzip
import json
import pathlib
import random
import shutil
import sys

import torch
import transformers

WORDS = """baker rolls bags noon bread sells pencils boxes friends train cars seats station people pages school book day week
    left""".split()
WORK = dict(real=(4, 8, 64), large=(64, 8, 256))

folder, source = map(pathlib.Path, sys.argv[1:])
model = folder / "smollm2-shape"
model.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
config = transformers.LlamaConfig(
    vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
    num_key_value_heads=3, max_position_embeddings=8192, rope_theta=100000.0, rms_norm_eps=1e-5, tie_word_embeddings=True,
    bos_token_id=1, eos_token_id=2, pad_token_id=2, initializer_range=0.041666666666666664)
transformers.LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(model)
# The form that published checkpoints have, whatever this version of transformers writes.
written = json.loads((model / "config.json").read_text())
written.update(rope_theta=100000.0, torch_dtype="bfloat16", rope_scaling=None, rope_interleaved=False)
written.pop("rope_parameters", None)
(model / "config.json").write_text(json.dumps(written, indent=1))
(model / "tokenizer.json").write_bytes(gzip.decompress((source / "tokenizer.json.gz").read_bytes()))
shutil.copy(source / "tokenizer_config.json", model)
if (source / "chat_template.jinja").exists():
    shutil.copy(source / "chat_template.jinja", model)
tokenizer = transformers.AutoTokenizer.from_pretrained(model)
random.seed(0)
for name, (prompts, rows, tokens) in WORK.items():
    texts = [" ".join(random.choice(WORDS) for _ in range(60)) + f" {i}" for i in range(prompts)]
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    (folder / f"{name}.json").write_text(json.dumps(dict(
        model=str(model), dtype="bf16", texts=texts, prompts=ids, rows_per_prompt=rows, new_tokens=tokens)))
    print(f"{name}: {prompts} prompts of {min(map(len, ids))} to {max(map(len, ids))} tokens, {prompts * rows} rows of {tokens}")
