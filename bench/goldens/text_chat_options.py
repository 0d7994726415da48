"""What apply_chat_template and from_pretrained of transformers make of options and of tokens declared beside
tokenizer.json. With the packages of text_requirements.txt:

    venv/bin/python bench/goldens/text_chat_options.py FOLDER_OF_SmolLM2-135M-Instruct core/src/test/resources/text

writes chat_options.json and added_tokens.json, which ChatOptionsTest and AddedTokensTest read.
"""

import json
import pathlib
import shutil
import sys
import tempfile

import transformers

U = {"role": "user", "content": "What is 2+2?"}
S = {"role": "system", "content": "You are terse."}
TOOL = {
    "type": "function",
    "function": {"name": "now", "description": "The time", "parameters": {"type": "object", "properties": {}}},
}
DOCUMENTS = [{"title": "Sums", "text": "2+2 is 4"}, {"title": "More", "text": "3+3 is 6"}]

TEMPLATES = {
    "smollm2": None,
    "qwen3": None,
    "trims": "{% for m in messages %}[{{ m.role }}] {{ m.content | trim }}</s>\n{% endfor %}{% if add_generation_prompt %}[assistant] {% endif %}",
    "documents": "{% for d in documents or [] %}<{{ d.title }}: {{ d.text }}>{% endfor %}{% for m in messages %}{{ m.content }};{% endfor %}{{ style | default('plain') }}",
    "parts": "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}{{ p.text }}|{% endfor %}{% endif %}</s>{% endfor %}",
    "first_only": "{{ messages[0].content }}</s>",
    "reasons": "{% for m in messages %}{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}</s>{% endfor %}",
}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


CASES = [
    ([U], {}),
    ([U], {"add_generation_prompt": True, "continue_final_message": False}),
    ([U, assistant("The answer is")], {"continue_final_message": True}),
    ([U, assistant("The answer is ")], {"continue_final_message": True}),
    ([U, assistant("  The answer\n\n")], {"continue_final_message": True}),
    ([S, U, assistant("")], {"continue_final_message": True}),
    ([U, assistant("The answer is")], {"continue_final_message": True, "add_generation_prompt": True}),
    ([U], {"continue_final_message": True}),
    ([U, assistant("yes"), U, assistant("The <b>answer</b>\tis 4 🙂")], {"continue_final_message": True}),
    ([U, assistant([{"type": "text", "text": "one"}, {"type": "text", "text": "two "}])], {"continue_final_message": True}),
    ([U, assistant([{"type": "image"}])], {"continue_final_message": True}),
    ([U, assistant(None, tool_calls=[])], {"continue_final_message": True}),
    ([U, assistant("4", reasoning_content="Two and two")], {"continue_final_message": "reasoning_content"}),
    ([U, assistant("4", thinking="Two and two ")], {"continue_final_message": "thinking"}),
    ([U, assistant("4")], {"continue_final_message": "no_such_member"}),
    ([U, assistant("4", no_such_member="x")], {"continue_final_message": "no_such_member"}),
    ([U, assistant("<think>\nhm")], {"continue_final_message": True}),
    ([U, assistant("<think>\nhm\n</think>\n\nso 4")], {"continue_final_message": True}),
    ([U], {"documents": DOCUMENTS, "add_generation_prompt": True}),
    ([U], {"documents": [], "style": "fancy"}),
    ([U], {"tools": [TOOL], "documents": DOCUMENTS, "enable_thinking": False, "add_generation_prompt": True}),
    ([U, assistant("I call")], {"tools": [TOOL], "continue_final_message": True}),
]

NAMED = ("tools", "documents", "add_generation_prompt", "continue_final_message")


def chats(source, resources):
    tokenizer = transformers.AutoTokenizer.from_pretrained(source)
    smol = (resources / "smollm2" / "chat_template.jinja").read_text()
    qwen = json.loads((resources / "qwen3" / "tokenizer_config.json").read_text())["chat_template"]
    templates = {**TEMPLATES, "smollm2": smol, "qwen3": qwen}
    cases = []
    for name, template in templates.items():
        for messages, options in CASES:
            line = {"messages": messages, **{key: value for key, value in options.items() if key in NAMED}}
            variables = {key: value for key, value in options.items() if key not in NAMED}
            if variables:
                line["template_variables"] = variables
            case = {"template": name, "line": line}
            try:
                case["text"] = tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, **options)
            except Exception as e:  # a refusal is part of the reference
                case["error"] = type(e).__name__
            cases.append(case)
    special = {key: value for key, value in tokenizer.special_tokens_map.items() if isinstance(value, str)}
    return {"transformers": transformers.__version__, "special_tokens": special, "templates": TEMPLATES, "cases": cases}


def token(content, special, **more):
    return {"content": content, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": special, **more}


CLASS = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "bos_token": "<|im_start|>"}
TEXT = "say <|tool|> to <plain> and <a> <b> <image> <|im_end|> end <|repo_name|>x<new_bos>"
FOLDERS = {
    "decoder": {"tokenizer_config.json": {**CLASS, "added_tokens_decoder": {"49152": token("<|tool|>", True), "49153": token("<plain>", False, normalized=True)}}},
    "decoder out of order": {"tokenizer_config.json": {**CLASS, "added_tokens_decoder": {"49153": token("<plain>", False), "49152": token("<|tool|>", True)}}},
    "decoder with a gap": {"tokenizer_config.json": {**CLASS, "added_tokens_decoder": {"49155": token("<|tool|>", True), "49160": token("<plain>", False)}}},
    "decoder that strips": {"tokenizer_config.json": {**CLASS, "added_tokens_decoder": {"49152": token("<|tool|>", True, lstrip=True, rstrip=True)}}},
    "decoder with another flag": {"tokenizer_config.json": {**CLASS, "added_tokens_decoder": {"2": token("<|im_end|>", True), "5": token("<|repo_name|>", False)}}},
    "additional in config": {"tokenizer_config.json": {**CLASS, "additional_special_tokens": ["<a>", "<b>"]}},
    "extra list": {"tokenizer_config.json": {**CLASS, "extra_special_tokens": ["<a>", "<|tool|>"]}},
    "extra by role": {"tokenizer_config.json": {**CLASS, "extra_special_tokens": {"image_token": "<image>", "a_token": "<a>"}}},
    "a role alone": {"tokenizer_config.json": {**CLASS, "bos_token": "<new_bos>"}},
    "decoder and lists": {"tokenizer_config.json": {**CLASS, "added_tokens_decoder": {"49152": token("<plain>", False)}, "additional_special_tokens": ["<a>"], "extra_special_tokens": ["<b>"]}},
    "added_tokens.json": {"tokenizer_config.json": CLASS, "added_tokens.json": {"<|tool|>": 49152, "<a>": 49153}},
    "added_tokens.json and map": {
        "tokenizer_config.json": CLASS,
        "added_tokens.json": {"<a>": 49153, "<|tool|>": 49152},
        "special_tokens_map.json": {"extra_special_tokens": ["<|tool|>"], "eos_token": "<|im_end|>"},
    },
}


def added(source):
    cases = []
    for name, files in FOLDERS.items():
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(source / "tokenizer.json", folder)
            for file, content in files.items():
                (pathlib.Path(folder) / file).write_text(json.dumps(content))
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            ids = tokenizer.encode(TEXT, add_special_tokens=False)
            cases.append({
                "name": name,
                "files": files,
                "size": max(tokenizer.get_vocab().values()) + 1,
                "ids": ids,
                "decoded": tokenizer.decode(ids, clean_up_tokenization_spaces=False),
                "without_special": tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False),
            })
    return {"transformers": transformers.__version__, "text": TEXT, "cases": cases}


def dump(value, path):
    path.write_text(json.dumps(value, ensure_ascii=True, indent=1) + "\n", encoding="utf-8")


def main(source, out):
    source, out = pathlib.Path(source), pathlib.Path(out)
    dump(chats(source, out), out / "chat_options.json")
    dump(added(source), out / "added_tokens.json")


main(*sys.argv[1:])
