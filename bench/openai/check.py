"""What the official OpenAI client gets from `minpro serve`: check.py BASE_URL; see bench/openai/run."""

import sys
import threading
import time
import urllib.request

import openai

url = sys.argv[1]
for _ in range(240):
    try:
        urllib.request.urlopen(url.removesuffix("/v1") + "/health")
        break
    except OSError:
        time.sleep(0.5)

client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
print("client", openai.__version__)
assert [model.id for model in client.models.list()] == ["served"]
assert client.models.retrieve("served").id == "served"

# A completion, its ids and log-probabilities; the same seed gives the same again.
asked = dict(model="served", prompt="12+34=", max_tokens=40, seed=5, n=2, logprobs=3)
first = client.completions.create(**asked, extra_body={"return_token_ids": True})
again = client.completions.create(**asked)
assert [choice.text for choice in first.choices] == [choice.text for choice in again.choices]
assert len(first.choices) == 2 and first.choices[0].text != first.choices[1].text
for choice in first.choices:
    assert len(choice.token_ids) == len(choice.logprobs.token_logprobs) == len(choice.logprobs.tokens)
    assert all(value <= 0 for value in choice.logprobs.token_logprobs)
    assert all(3 <= len(best) <= 4 for best in choice.logprobs.top_logprobs)
assert first.usage.completion_tokens == sum(len(choice.token_ids) for choice in first.choices)
print("completion", repr(first.choices[0].text))

# The prompt as ids, the most probable tokens, an end at a text.
ids = first.choices[0].prompt_token_ids
greedy = client.completions.create(model="served", prompt=ids, max_tokens=60, temperature=0)
stop = greedy.choices[0].text[4:6]
cut = client.completions.create(model="served", prompt=ids, max_tokens=60, temperature=0, stop=[stop])
assert cut.choices[0].finish_reason == "stop"
assert cut.choices[0].text == greedy.choices[0].text.split(stop)[0], (cut, greedy)

# A stream has the same text.
pieces = [
    event
    for event in client.completions.create(
        model="served", prompt=ids, max_tokens=60, temperature=0, stream=True, stream_options={"include_usage": True}
    )
]
text = "".join(choice.text for event in pieces for choice in event.choices)
assert text == greedy.choices[0].text, (text, greedy.choices[0].text)
assert pieces[-1].usage == greedy.usage
print("stream of", len(pieces), "events")

# A conversation, where the model has a template.
messages = [{"role": "user", "content": "What is 1+1?"}]
try:
    chat = client.chat.completions.create(
        model="served", messages=messages, max_completion_tokens=24, temperature=0, logprobs=True, top_logprobs=2
    )
    streamed = client.chat.completions.create(
        model="served", messages=messages, max_completion_tokens=24, temperature=0, stream=True
    )
    joined = "".join(event.choices[0].delta.content or "" for event in streamed)
    assert joined == chat.choices[0].message.content, (joined, chat)
    assert len(chat.choices[0].logprobs.content) == chat.usage.completion_tokens
    print("chat", repr(joined))
except openai.BadRequestError as refused:
    assert "no chat template" in refused.message, refused
    print("chat is refused:", refused.body["message"])

# Bad input is one line.
for wrong in [dict(top_p=0), dict(max_tokens=10_000), dict(n=1000), dict(extra_body={"temprature": 1})]:
    try:
        client.completions.create(**{"model": "served", "prompt": "1", **wrong})
        raise SystemExit(f"{wrong} must be refused")
    except openai.BadRequestError as refused:
        print("400:", refused.body["message"])
        assert "\n" not in refused.body["message"]
try:
    client.completions.create(model="other", prompt="1")
    raise SystemExit("another model must be refused")
except openai.NotFoundError as refused:
    print("404:", refused.body["message"])

# 24 clients at once for 8 places: some are told to come again, and with retries every one is served.
counts = {"served": 0, "429": 0}
lock = threading.Lock()


def ask(retries, number):
    one = openai.OpenAI(base_url=url, api_key="none", max_retries=retries)
    try:
        one.completions.create(
            model="served", prompt=f"{number}+1=", max_tokens=200, extra_body={"ignore_eos": True}
        )
        outcome = "served"
    except openai.RateLimitError:
        outcome = "429"
    with lock:
        counts[outcome] += 1


for retries in (0, 100):
    counts.update({"served": 0, "429": 0})
    threads = [threading.Thread(target=ask, args=(retries, number)) for number in range(24)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    print("24 at once,", retries, "retries:", counts)
    assert counts["served"] == 24 if retries else counts["served"] >= 8 and counts["429"] > 0, counts

# A client that leaves in the middle of a stream gives its slots back.
stream = client.completions.create(
    model="served", prompt="1+1=", max_tokens=240, n=8, stream=True, extra_body={"ignore_eos": True}
)
next(iter(stream))
stream.close()
for _ in range(100):
    if b'"responses":0' in urllib.request.urlopen(url.removesuffix("/v1") + "/health").read():
        break
    time.sleep(0.1)
else:
    raise SystemExit("the slots of a client that left must be free, got: still taken")
print("all checks passed")
