"""Makes what both sides are given: a model folder and a file of prompts. Run by side_by_side.py in its environment.

    workloads.py small FOLDER            a random Llama of 0.8 M parameters (4 layers, width 128, 97 characters), 64 prompts of 9
    workloads.py real FOLDER MODEL       4 word problems of about 75 tokens in MODEL's chat template
"""

import json
import pathlib
import string
import sys

import tokenizers
import torch
import transformers

PROBLEMS = [
    "A baker puts 6 rolls into each bag and has filled 14 bags by noon. After lunch she bakes 30 more rolls and then sells"
    " 55 of all the rolls she has. How many rolls does the baker have left at the end of the day?",
    "Jonas has 3 boxes with 24 pencils each. He gives 8 pencils to each of his 5 friends and then finds 4 pencils under"
    " the table. How many pencils does Jonas have now, if he counts all of them together?",
    "A train has 7 cars and every car has 48 seats. At the first station 112 people take a seat, and at the second one"
    " 65 more come while 20 leave. How many seats of the train are still free after the second station?",
    "Mira reads 18 pages on every school day and 35 pages on every day of the weekend. Her book has 420 pages. After one"
    " whole week from Monday to Sunday, how many pages of her book are still left for Mira to read?",
]


def character_tokenizer(folder):
    characters = (string.ascii_letters + string.digits + string.punctuation + " ")[:94]
    vocabulary = {token: i for i, token in enumerate(["<pad>", "<eos>", "<unk>", *characters])}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = tokenizers.decoders.Fuse()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>")
    fast.save_pretrained(folder)
    return fast


def small(folder):
    model_folder = folder / "small-model"
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=97, hidden_size=128, intermediate_size=336, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=256, pad_token_id=0, bos_token_id=None, eos_token_id=1,
        tie_word_embeddings=True)
    model = transformers.LlamaForCausalLM(config)
    model.save_pretrained(model_folder)
    tokenizer = character_tokenizer(model_folder)
    texts = [f"{100 + 7 * i}+{200 + 11 * i} =" for i in range(64)]
    write(folder / "small.json", model_folder, "f32", texts, [tokenizer(text)["input_ids"] for text in texts])
    print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters")


def real(folder, model_folder):
    tokenizer = transformers.AutoTokenizer.from_pretrained(model_folder)
    texts = [
        tokenizer.apply_chat_template([{"role": "user", "content": problem}], add_generation_prompt=True, tokenize=False)
        for problem in PROBLEMS]
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    write(folder / "real.json", model_folder, "bf16", texts, ids)


def write(file, model_folder, dtype, texts, ids):
    file.write_text(json.dumps(dict(
        model=str(pathlib.Path(model_folder).resolve()), dtype=dtype, texts=texts, prompts=ids, rows_per_prompt=8,
        new_tokens=64)))
    print(f"{file}: {len(ids)} prompts of {min(map(len, ids))} to {max(map(len, ids))} tokens")


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[2])
    target.mkdir(parents=True, exist_ok=True)
    small(target) if sys.argv[1] == "small" else real(target, sys.argv[3])
