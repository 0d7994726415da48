"""llama.cpp's half of side_by_side.py: decodes the same rows for every line that comes in on stdin, seconds on stdout as JSON.

    llama_decode.py WORKLOAD THREADS GGUF

The model is written as a GGUF file of bfloat16 first, with llama.cpp's names and no vocabulary: rows are ids. As in
llama-batched-bench every prompt is computed once and shared by its rows, then all rows are decoded together, one token
each a call, and nothing is sampled: the next ids are given. So this is the least that a sampler by llama.cpp can take. One cache
for all rows and one for each are tried; the faster is used.
"""

import ctypes
import json
import pathlib
import sys
import time

import gguf
import llama_cpp
import numpy

LAYER_NAMES = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}
NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def name(tensor):
    stem = tensor.removesuffix(".weight")
    if stem in NAMES:
        return NAMES[stem] + ".weight"
    _, _, layer, rest = stem.split(".", 3)
    return f"blk.{layer}.{LAYER_NAMES[rest]}.weight"


def turned(weight, heads):
    """llama.cpp rotates neighbours of a head, Hugging Face its halves."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def bfloat16_bits(file, key):
    """A tensor's bits, whatever numpy knows of bfloat16."""
    header = file["header"][key]
    if header["dtype"] not in ("BF16", "F32"):
        sys.exit(f"{key} must be BF16 or F32, got: {header['dtype']}")
    start, end = header["data_offsets"]
    raw = numpy.frombuffer(file["data"], numpy.uint8)[start:end]
    if header["dtype"] == "BF16":
        return raw.view(numpy.uint16).reshape(header["shape"])
    bits = raw.view(numpy.uint32).reshape(header["shape"]).astype(numpy.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(numpy.uint16)


def opened(path):
    content = pathlib.Path(path).read_bytes()
    length = int.from_bytes(content[:8], "little")
    return dict(header=json.loads(content[8:8 + length]), data=memoryview(content)[8 + length:])


def write(folder, target):
    config = json.loads((folder / "config.json").read_text())
    heads = config["num_attention_heads"]
    key_heads = config.get("num_key_value_heads", heads)
    head = config.get("head_dim") or config["hidden_size"] // heads
    writer = gguf.GGUFWriter(target, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(key_heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    theta = config.get("rope_theta") or config.get("rope_parameters", {}).get("rope_theta", 10000.0)
    writer.add_rope_freq_base(float(theta))
    writer.add_rope_dimension_count(head)
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("none")
    file = opened(folder / "model.safetensors")
    for key in file["header"]:
        if key == "__metadata__":
            continue
        bits = bfloat16_bits(file, key)
        if ".q_proj." in key:
            bits = turned(bits, heads)
        if ".k_proj." in key:
            bits = turned(bits, key_heads)
        if bits.ndim == 1:
            writer.add_tensor(name(key), (bits.astype(numpy.uint32) << 16).view(numpy.float32))
        else:
            writer.add_tensor(
                name(key), numpy.ascontiguousarray(bits).view(numpy.uint8), raw_dtype=gguf.GGMLQuantizationType.BF16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Decoder:
    def __init__(self, path, prompts, rows_per_prompt, new_tokens, threads, unified):
        self.prompts, self.rows_per_prompt, self.new_tokens = prompts, rows_per_prompt, new_tokens
        self.rows = len(prompts) * rows_per_prompt
        llama_cpp.llama_backend_init()
        parameters = llama_cpp.llama_model_default_params()
        parameters.n_gpu_layers = 0
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        if not self.model:
            sys.exit(f"llama.cpp must load {path}, got nothing")
        longest = max(map(len, prompts)) + new_tokens
        context = llama_cpp.llama_context_default_params()
        context.n_ctx = self.rows * (longest + 32)
        context.n_batch = context.n_ubatch = 512
        context.n_seq_max = self.rows
        context.n_threads = context.n_threads_batch = threads
        context.kv_unified = unified
        self.context = llama_cpp.llama_init_from_model(self.model, context)
        if not self.context:
            sys.exit("llama.cpp must make a context, got nothing")
        self.memory = llama_cpp.llama_get_memory(self.context)
        self.batch = llama_cpp.llama_batch_init(max(512, self.rows, longest), 0, 1)
        self.vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def call(self, entries):
        """Runs (id, position, sequence, whether logits are wanted)."""
        for i, (token, position, sequence, wanted) in enumerate(entries):
            self.batch.token[i] = token
            self.batch.pos[i] = position
            self.batch.n_seq_id[i] = 1
            self.batch.seq_id[i][0] = sequence
            self.batch.logits[i] = wanted
        self.batch.n_tokens = len(entries)
        if llama_cpp.llama_decode(self.context, self.batch) != 0:
            sys.exit("llama_decode must succeed, got an error")

    def generate(self):
        llama_cpp.llama_memory_clear(self.memory, True)
        row = 0
        for prompt in self.prompts:
            first = row
            self.call([(token, i, first, i == len(prompt) - 1) for i, token in enumerate(prompt)])
            for row in range(first + 1, first + self.rows_per_prompt):
                llama_cpp.llama_memory_seq_cp(self.memory, first, row, -1, -1)
            row = first + self.rows_per_prompt
        # A prompt's logits give each row its first token.
        for step in range(self.new_tokens - 1):
            self.call([
                ((7919 * step + 104729 * row) % self.vocabulary, len(self.prompts[row // self.rows_per_prompt]) + step, row, 1)
                for row in range(self.rows)])
        return ctypes.cast(llama_cpp.llama_get_logits(self.context), ctypes.c_void_p).value


def timed(decoder):
    start = time.perf_counter()
    if not decoder.generate():
        sys.exit("llama.cpp must give logits, got none")
    return time.perf_counter() - start


def main():
    workload = json.loads(pathlib.Path(sys.argv[1]).read_text())
    target = pathlib.Path(sys.argv[3])
    weights = pathlib.Path(workload["model"]) / "model.safetensors"
    if not target.exists() or target.stat().st_mtime < weights.stat().st_mtime:
        part = target.with_suffix(".part")
        write(pathlib.Path(workload["model"]), str(part))
        part.rename(target)
    decoder, least = None, float("inf")
    for unified in (False, True):
        candidate = Decoder(
            target, workload["prompts"], workload["rows_per_prompt"], workload["new_tokens"], int(sys.argv[2]), unified)
        candidate.generate()
        seconds = timed(candidate)
        print(f"one cache for all rows {unified}: {seconds:.2f} s", file=sys.stderr)
        if seconds < least:
            decoder, least = candidate, seconds
    print("ready", flush=True)
    for _ in sys.stdin:
        seconds = timed(decoder)
        print(json.dumps(dict(tokens=decoder.rows * workload["new_tokens"], sampling=seconds, step=seconds)), flush=True)


if __name__ == "__main__":
    main()
