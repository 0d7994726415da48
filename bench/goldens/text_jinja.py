"""Renders small templates as transformers does; the Java engine must print the same bytes.

python -m venv venv && venv/bin/pip install -r bench/goldens/text_requirements.txt
venv/bin/python bench/goldens/text_jinja.py core/src/test/resources/text/jinja.json
"""

import datetime
import json
import sys

import jinja2
import transformers.utils.chat_template_utils as chat

NOW = datetime.datetime(2026, 3, 7, 14, 5, 9)


class FixedDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(NOW.year, NOW.month, NOW.day, NOW.hour, NOW.minute, NOW.second)


chat.datetime = FixedDatetime

VARIABLES = {
    "name": "World",
    "text": "  Hello\tWörld \n",
    "emoji": "a🙂b👩‍👩‍👧é",
    "n": 7,
    "negative": -7,
    "real": 2.5,
    "tiny": 1e-7,
    "huge": 1e22,
    "third": 1 / 3,
    "yes": True,
    "no": False,
    "nothing": None,
    "empty": "",
    "list": [3, 1, 2],
    "words": ["pear", "Apple", "fig", "apple"],
    "nested": {"a": [1, {"b": None}], "ü": "<&>'\"", "f": 1.0, "t": True},
    "people": [
        {"name": "Ann", "age": 30, "role": "user"},
        {"name": "bob", "age": 25, "role": "system"},
        {"name": "Cid", "age": 30, "role": "user"},
    ],
    "messages": [
        {"role": "system", "content": "S"},
        {"role": "user", "content": "U1"},
        {"role": "assistant", "content": "A1"},
        {"role": "user", "content": "U2"},
    ],
    "trap": {"items": "key", "get": 1},
}

CASES = [
    # whitespace control
    "a\n{% if true %}\nb\n{% endif %}\nc",
    "a\n  {% if true %}  \n  b\n  {% endif %}  \nc",
    "a\n  {%- if true -%}  \n  b\n  {%- endif -%}  \nc",
    "a\n  {%+ if true +%}\n  b\n  {%+ endif +%}\nc",
    "a  {{- name -}}  b",
    "a\n  {{ name }}  \nb",
    "a\n  {# comment #}\nb",
    "a\n  {#- comment -#}\n  b",
    "a {# multi\nline #} b\n",
    "x {#+ c +#}\n y",
    "{# c #}\n\nx",
    "trailing newline\n",
    "two trailing newlines\n\n",
    "crlf\r\n{% if true %}\r\nx\r\n{% endif %}\r\n",
    "{% if true %}x{% endif %}   y",
    "   {% if true %}x{% endif %}",
    "x   {% if true %}y{% endif %}",
    "{{ name }}\n{{ name }}\n",
    "{{ '\n' }}|{{ \"\\n\" }}|{{ '\\t\\x41\\u00e9\\101\\q' }}",
    "{% for i in [1,2] -%}\n  {{ i }}\n{%- endfor %}",
    "{% for i in [1,2] %}\n{{ i }}\n{% endfor %}\nend",
    "{% raw %}{{ not }} {% evaluated %}{% endraw %}!",
    "a\n {%- raw -%}  {{ x }}  {%- endraw -%}\n b",
    "{% set x = 1 %}\n\n{{ x }}",
    "\u00a0{%- if true %}x{% endif %}",
    # literals and printing
    "{{ 1 }} {{ -1 }} {{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }}",
    "{{ 1.0 }} {{ 1.5e3 }} {{ 1e100 }} {{ 1e-5 }} {{ 0.0001 }} {{ 123456789012345678.0 }} {{ 1e16 }} {{ 1e15 }} {{ -0.0 }}",
    "{{ tiny }} {{ huge }} {{ third }} {{ 5e-324 }} {{ 2e-323 }} {{ 1.7976931348623157e308 }} {{ 9007199254740993 }}",
    "{{ true }} {{ false }} {{ none }} {{ True }} {{ None }}",
    "{{ [1, 'a', none, true, 2.0, [], {}] }}",
    "{{ {'a': 1, 'b': [1, 2], 3: none} }}",
    "{{ (1, 2) }} {{ (1,) }} {{ () }} {{ 1, 2 }}",
    "{{ ['it\\'s', 'say \"hi\"', 'both \\' and \"', 'line\\nbreak', 'tab\\t', 'back\\\\slash', 'ü🙂', '\\x00\\x7f\\u200b'] }}",
    "{{ 'a' 'b' \"c\" }}",
    "{{ nested }}",
    "{{ undefined_thing }}|{{ [undefined_thing] }}",
    "{{ '' }}{{ nothing }}",
    "{{ 10 ** 30 }}",
    # arithmetic
    "{{ 7 + 2 }} {{ 7 - 2 }} {{ 7 * 2 }} {{ 7 / 2 }} {{ 7 // 2 }} {{ 7 % 2 }} {{ 7 ** 2 }}",
    "{{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 2 ** -1 }} {{ 6 / 3 }}",
    "{{ 2 + 3 * 4 - 1 }} {{ (2 + 3) * 4 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }}",
    "{{ true + 1 }} {{ 1.5 + 1 }} {{ 0.1 + 0.2 }} {{ 1 + 1.0 }}",
    "{{ 'a' + 'b' }} {{ 'ab' * 3 }} {{ 3 * 'x' }} {{ [1] + [2] }} {{ [0] * 3 }} {{ (1,) + (2,) }}",
    "{{ 'a' ~ 1 ~ none ~ true ~ 1.0 ~ [1] ~ undefined_thing }}",
    "{{ -n }} {{ +n }} {{ - n + 1 }} {{ n|abs }} {{ -n|abs }}",
    "{{ '%s is %d years, %.2f%% %05d %-5s| %+d %x %r' % ('Ann', 30, 99.555, 42, 'ab', 7, 255, 'q') }}",
    "{{ '%s' % name }} {{ '%(a)s-%(b)s' % {'a': 1, 'b': 2} }} {{ '%s' % [1] }}",
    "{{ 1 if n > 5 else 2 }} {{ 'x' if no }}|{{ 1 if no else 2 if no else 3 }}",
    # comparison and logic
    "{{ 1 < 2 }} {{ 1 <= 1 }} {{ 2 > 3 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ 'a' == 1 }} {{ 1 != 2 }} {{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }}",
    "{{ true == 1 }} {{ [1, 2] == [1.0, 2] }} {{ (1,) == [1] }} {{ {'a': 1} == {'a': 1.0} }} {{ none == false }} {{ [1, 2] < [1, 3] }}",
    "{{ not true }} {{ not '' }} {{ true and 'x' }} {{ '' or 'y' }} {{ 0 and 1 }} {{ none or none }} {{ not n == 7 }}",
    "{{ 'a' in 'cat' }} {{ 'x' not in 'cat' }} {{ 1 in [1, 2] }} {{ 'a' in {'a': 1} }} {{ 3 in (1, 2) }} {{ 2 in range(3) }} {{ 1 in undefined_thing }} {{ not 1 in [2] }}",
    "{{ undefined_thing == undefined_other }} {{ undefined_thing == none }} {{ undefined_thing != 1 }}",
    # subscripts and slices
    "{{ list[0] }} {{ list[-1] }} {{ list[5] is defined }} {{ 'abc'[1] }} {{ emoji[1] }} {{ nested['a'][1]['b'] }} {{ nested.a.0 }}",
    "{{ list[::-1] }} {{ list[1:] }} {{ list[:-1] }} {{ list[::2] }} {{ list[-2:] }} {{ list[5:] }} {{ list[2:0:-1] }} {{ list[:] }} {{ list[-100:100] }}",
    "{{ 'hello'[::-1] }} {{ emoji[::-1] }} {{ emoji[1:3] }} {{ 'hello'[1:-1] }} {{ (1, 2, 3)[::-1] }} {{ range(10)[2:8:3]|list }} {{ 'abc'[none:2] }}",
    "{{ messages[-1].role }} {{ messages[1:][0]['content'] }} {{ (messages|length - 1) }} {{ messages[n] is defined }}",
    "{{ nested.missing is defined }}|{{ nested.missing }}|{{ nothing.x is defined }}|{{ name.x is defined }}|{{ n['x'] is defined }}",
    "{{ trap.items()|list }} {{ trap['items'] }} {{ trap.get('get') }} {{ trap['get'] }} {{ trap.get('x') }} {{ trap.get('x', 5) }}",
    "{{ nested.keys()|list }} {{ nested.values()|list|length }} {{ {'a': 1}.items() }} {{ {'a': 1}.keys() }} {{ {'b': 2}.values() }}",
    "{{ people[0].name }} {{ people.0.age }} {{ people['x'] is undefined }} {{ name[10] is undefined }}",
    "{{ {'a': {'b': 1}}['a']['b'] }} {{ {'a': 1}['b'] is defined }} {{ [[1, 2], [3]][0][1] }}",
    "{{ ''.__class__ }}|{{ ''.__class__ is defined }}",
    # string methods
    "{{ text.strip() }}|{{ text.lstrip() }}|{{ text.rstrip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'abcba'.lstrip('ab') }}|{{ 'a\\n\\n'.rstrip('\\n') }}|{{ ' a '.strip(none) }}",
    "{{ 'a,b,,c'.split(',') }} {{ '  a  b '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a b c'.rsplit(' ', 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ ' a  b  c '.split(none, 1) }} {{ ' a  b  c '.rsplit(none, 1) }}",
    "{{ 'x</think>y</think>z'.split('</think>')[-1] }} {{ 'a<think>b'.split('<think>')[-1].lstrip('\\n') }}",
    "{{ 'Hello'.upper() }} {{ 'HeLLo'.lower() }} {{ 'hello wORLD, it\\'s'.title() }} {{ 'hELLO'.capitalize() }} {{ 'aB'.swapcase() }} {{ 'straße'.upper() }} {{ 'ΑΣ'.lower() }}",
    "{{ 'hello'.startswith('he') }} {{ 'hello'.endswith(('x', 'lo')) }} {{ 'hello'.startswith('l', 2) }} {{ ''.startswith('') }} {{ 'abc'.endswith('') }}",
    "{{ 'hello'.replace('l', 'L') }} {{ 'hello'.replace('l', 'L', 1) }} {{ 'ab'.replace('', '-') }} {{ 'aaa'.replace('aa', 'b') }}",
    "{{ 'hello'.find('l') }} {{ 'hello'.rfind('l') }} {{ 'hello'.find('z') }} {{ 'hello'.index('o') }} {{ 'hello'.count('l') }} {{ emoji.find('b') }} {{ 'abcabc'.find('a', 1) }} {{ 'aa'.count('') }}",
    "{{ 'a-b-c'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'abc'.partition('x') }} {{ 'abc'.rpartition('x') }}",
    "{{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ 'abc'.removeprefix('x') }}",
    "{{ '42'.isdigit() }} {{ 'a1'.isalnum() }} {{ 'ab'.isalpha() }} {{ ' '.isspace() }} {{ ''.isdigit() }} {{ 'AB'.isupper() }} {{ 'ab1'.islower() }} {{ '½'.isnumeric() }} {{ '²'.isdigit() }} {{ '²'.isdecimal() }} {{ '٣'.isdigit() }}",
    "{{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} [{{ 'ab'.ljust(5) }}] [{{ 'ab'.rjust(5, '.') }}] [{{ 'ab'.center(5) }}] [{{ 'abc'.center(6, '*') }}] [{{ 'a'.center(4) }}]",
    "{{ 'a\\nb\\r\\nc'.splitlines() }} {{ 'a\\n'.splitlines(true) }} {{ ''.splitlines() }} {{ 'a\\x0bb\\u2028c'.splitlines() }}",
    "{{ ', '.join(['a', 'b']) }} {{ ''.join([]) }} {{ '-'.join('abc') }} {{ '-'.join({'a': 1, 'b': 2}) }}",
    "{{ '{} and {}'.format(1, 'x') }} {{ '{1}{0}'.format('a', 'b') }} {{ '{a}{{}}'.format(a=none) }} {{ '{:.2f} {:>5} {:<5}| {:^5} {:05d} {:,}'.format(3.14159, 'ab', 'cd', 'ef', 42, 1234567) }} {{ '{0[a]} {0.b!r}'.format({'a': 1, 'b': 'x'}) }}",
    "{{ 'ab'.casefold() }} {{ 'é'|length }} {{ emoji|length }} {{ 'abc'.isascii() }} {{ 'é'.isascii() }}",
    "{{ [1, 2, 1].count(1) }} {{ [1, 2].index(2) }} {{ (1, 2).index(2) }} {{ [1].copy() }} {{ {'a': 1}.copy() }}",
    # filters
    "{{ list|length }} {{ 'abc'|count }} {{ nested|length }} {{ undefined_thing|length }} {{ range(5)|length }}",
    "{{ text|trim }}|{{ 'xxaxx'|trim('x') }}|{{ 5|trim }}",
    "{{ 'hELLO wORLD'|upper }} {{ 'ABC'|lower }} {{ 'hELLO wORLD-foo (bar) [baz] it\\'s'|title }} {{ 'hELLO'|capitalize }} {{ none|upper }}",
    "{{ undefined_thing|default('d') }} {{ ''|default('d') }}| {{ ''|default('d', true) }} {{ none|default('d') }} {{ nested.zzz|d('x') }} {{ undefined_thing|default }}| {{ false|default(boolean=true, default_value=3) }}",
    "{{ list|join(', ') }} {{ people|join('; ', attribute='name') }} {{ [1, none, true]|join }} {{ 'abc'|join('-') }} {{ []|join(',') }}|",
    "{{ list|first }} {{ list|last }} {{ ''|first is defined }} {{ []|last is defined }} {{ 'abc'|first }} {{ 'abc'|last }} {{ {'a': 1}|first }}",
    "{{ list|sort }} {{ list|sort(reverse=true) }} {{ words|sort }} {{ words|sort(case_sensitive=true) }} {{ people|sort(attribute='age')|map(attribute='name')|list }} {{ people|sort(attribute='age,name', reverse=true)|map(attribute='name')|join(' ') }}",
    "{{ words|unique|list }} {{ words|unique(true)|list }} {{ [1, 1.0, 2, true]|unique|list }} {{ people|unique(attribute='age')|map(attribute='name')|list }}",
    "{{ list|max }} {{ list|min }} {{ words|max }} {{ words|min }} {{ people|max(attribute='age') }} {{ []|max is defined }}",
    "{{ list|sum }} {{ people|sum(attribute='age') }} {{ [1.5, 2]|sum }} {{ []|sum }} {{ [1]|sum(start=10) }} {{ [[1], [2]]|sum(start=[]) }}",
    "{{ list|reverse|list }} {{ 'héllo'|reverse }} {{ {'a': 1, 'b': 2}|reverse|list }} {{ (1, 2)|reverse|list }}",
    "{{ list|list }} {{ 'añ🙂'|list }} {{ {'a': 1}|list }} {{ range(3)|list }}",
    "{{ list|map('string')|list }} {{ words|map('upper')|join(',') }} {{ people|map(attribute='name')|list }} {{ people|map(attribute='zip', default='?')|list }} {{ ['a', 'b']|map('replace', 'a', 'x')|list }} {{ people|map(attribute='name')|map('length')|sum }}",
    "{{ list|select('odd')|list }} {{ list|reject('odd')|list }} {{ list|select('greaterthan', 1)|list }} {{ [0, 1, '', 'a']|select|list }} {{ [0, 1]|reject|list }} {{ words|select('in', ['fig'])|list }} {{ list|select('>', 1)|list }} {{ list|select('divisibleby', 3)|list }}",
    "{{ people|selectattr('role', 'equalto', 'user')|map(attribute='name')|list }} {{ people|rejectattr('role', '==', 'user')|map(attribute='name')|first }} {{ people|selectattr('zip', 'defined')|list }} {{ people|selectattr('role')|list|length }} {{ people|selectattr('age', '>', 26)|list|length }}",
    "{% if people|selectattr('role', 'equalto', 'nobody') %}a generator is true{% endif %}",
    "{% set g = list|map('string') %}{{ g|list }} {{ g|list }}",
    "{{ 'a-b'|replace('-', '+') }} {{ 121|replace(1, 'x') }} {{ 'aaa'|replace('a', 'b', 2) }}",
    "{{ '42'|int }} {{ '4.7'|int }} {{ 'x'|int }} {{ 'x'|int(5) }} {{ 3.9|int }} {{ -3.9|int }} {{ '0x1F'|int(0, 16) }} {{ ' 7 '|int }} {{ '1_000'|int }} {{ none|int }} {{ true|int }} {{ '1e3'|int }} {{ 'nan'|int }} {{ [1]|int(9) }} {{ '0b11'|int(base=2) }} {{ ''|int }} {{ '-5'|int }} {{ 'ff'|int(base=16) }}",
    "{{ '1.5'|float }} {{ 2|float }} {{ 'x'|float }} {{ 'x'|float(1.5) }} {{ 'inf'|float }} {{ '1e3'|float }} {{ ' 2 '|float }} {{ none|float }} {{ '.5'|float }} {{ '5.'|float }} {{ true|float }}",
    "{{ 2.5|round }} {{ 3.5|round }} {{ 42.55|round(1) }} {{ 42.55|round(1, 'floor') }} {{ 42.51|round(1, 'ceil') }} {{ 5|round }} {{ 1234|round(-2) }} {{ 2.675|round(2) }} {{ -2.5|round }} {{ 42.7|round|int }} {{ -0.4|round }}",
    "{{ 5|string + 'x' }} {{ none|string }} {{ [1, 'a']|string }} {{ 1.0|string }} {{ true|string|lower }}",
    "{{ 'a\\nb\\n\\nc'|indent }}|{{ 'a\\nb'|indent(2) }}|{{ 'a\\nb'|indent(2, true) }}|{{ 'a\\n\\nb'|indent(2, false, true) }}|{{ 'a\\nb'|indent('> ') }}|{{ 'a\\nb\\n'|indent(first=true) }}|{{ ''|indent }}|",
    "{% for k, v in nested|items %}{{ k }}={{ v }};{% endfor %}{% for k, v in undefined_thing|items %}x{% endfor %}",
    "{% for k, v in {'b': 1, 'A': 2, 'c': 0}|dictsort %}{{ k }}{{ v }} {% endfor %}{{ {'b': 1, 'A': 2}|dictsort(true) }} {{ {'b': 1, 'A': 2}|dictsort(false, 'value', true) }}",
    "{% for role, group in people|groupby('role') %}{{ role }}: {{ group|map(attribute='name')|join(',') }}; {% endfor %}",
    "{{ '<a href=\"x\">&\\'</a>'|e }} {{ '<b>'|escape }} {{ '<b>'|safe }}",
    "{{ 'foo bar baz qux'|truncate(9) }} {{ 'foo bar baz qux'|truncate(9, true) }} {{ 'foo bar baz qux'|truncate(11) }} {{ 'foo bar baz qux'|truncate(11, false, '...', 0) }} {{ 'a b c'|wordcount }}",
    "{{ '%s-%s'|format('a', 1) }} {{ '%(x)s'|format(x=2) }} {{ 'a%%'|format() }}",
    "{{ -5|abs }} {{ (-5)|abs }} {{ -2.5|abs }} {{ true|abs }}",
    "{{ list|sort|first + list|sort|last }} {{ (list|length) * 2 }} {{ list|length * 2 }} {{ not list|length }}",
    "{% filter upper|replace('A', 'x') %}banana {{ name }}{% endfilter %}",
    # tojson
    "{{ nested|tojson }}",
    "{{ nested|tojson(indent=2) }}",
    "{{ nested|tojson(ensure_ascii=true) }} {{ emoji|tojson(ensure_ascii=true) }}",
    "{{ {'b': 1, 'a': [1, 2]}|tojson(sort_keys=true) }} {{ {'b': 1, 'a': 2}|tojson(separators=(',', ':')) }} {{ [1, [2, {}], []]|tojson(indent=4) }}",
    "{{ [1, 1.0, 1e22, 1e-7, true, none, 'a', (1, 2)]|tojson }}",
    "{{ 'quote\" back\\\\ nl\\n tab\\t cr\\r ff\\f bs\\b \\x01 \\x7f é \\u2028 </script>'|tojson }}",
    "{{ {1: 'a', none: 'b', true: 'c', 1.5: 'd'}|tojson }} {{ {}|tojson }} {{ []|tojson }} {{ ''|tojson }} {{ {'a': {}}|tojson(indent=1) }} {{ [1]|tojson(indent='\\t') }}",
    "{{ people|tojson }}",
    "{{ emoji|tojson }} {{ 123456789012345678901234567890|tojson }}",
    "{{ [1, 2]|tojson(indent=0) }}",
    # tests
    "{{ name is defined }} {{ x is undefined }} {{ nothing is none }} {{ nothing is not none }} {{ name is string }} {{ n is number }} {{ n is integer }} {{ real is float }} {{ yes is boolean }} {{ yes is integer }} {{ yes is number }}",
    "{{ nested is mapping }} {{ list is mapping }} {{ list is sequence }} {{ 'a' is sequence }} {{ nested is sequence }} {{ n is sequence }} {{ list is iterable }} {{ n is iterable }} {{ nothing is iterable }} {{ x is iterable }} {{ (1,) is sequence }} {{ range(2) is sequence }} {{ list|map('string') is iterable }} {{ list|map('string') is sequence }} {{ nested.keys() is sequence }}",
    "{{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ yes is true }} {{ no is false }} {{ 1 is true }} {{ 'a' is eq 'a' }} {{ 1 is ne 2 }} {{ 3 is gt 2 }} {{ 3 is lessthan 2 }} {{ 2 is ge 2 }} {{ 2 is le 1 }}",
    "{{ 'a' is in ['a'] }} {{ 'a' is not in 'b' }} {{ none is sameas none }} {{ true is sameas 1 }} {{ 'ab' is lower }} {{ 'AB' is upper }} {{ 'upper' is filter }} {{ 'odd' is test }} {{ 'zzz' is filter }} {{ range is callable }} {{ n is callable }}",
    "{{ x is defined and x }} {{ (x is defined) or true }} {{ name is string and n is number }} {{ not x is defined }} {{ 'y' if x is not defined else 'n' }}",
    "{{ messages[0].role is defined and messages[0].role == 'system' }} {{ messages[0].tool_calls is defined }}",
    # set, scopes
    "{% set x = 1 %}{% if true %}{% set x = 2 %}{% endif %}{{ x }}",
    "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = i + 10 %}{{ x }} {% endfor %}{{ x }}",
    "{% for i in [1, 2] %}{{ y is defined }}{% set y = i %}{{ y }} {% endfor %}{{ y is defined }}",
    "{% for i in [1, 2] %}{{ name }}{% set name = i %}{{ name }} {% endfor %}{{ name }}",
    "{% set ns = namespace(found=false, n=0) %}{% for i in list %}{% set ns.n = ns.n + i %}{% if i == 1 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.found }} {{ ns.n }} {{ ns.zzz is defined }}",
    "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a + ns.b }} {{ ns }} {{ ns is mapping }} {{ ns['a'] }}",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }} {% set (c, d) = [3, 4] %}{{ c }}{{ d }}",
    "{% set block %}x{{ name }}y{% endset %}{{ block }} {% set b2 | upper %}abc{% endset %}{{ b2 }} {{ block is string }}",
    "{% set t = 1, 2 %}{{ t }}",
    "{% with a = 1, b = name %}{{ a }}{{ b }}{% endwith %}{{ a is defined }} {% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q is defined }}",
    "{% set x = 'outer' %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 'changed' %}{{ m() }}",
    "{% set i = 5 %}{% for i in [1] %}{{ i }}{% endfor %}{{ i }}",
    "{% if yes %}{% set z = 1 %}{% else %}{% set z = 2 %}{% endif %}{{ z }}",
    "{% if no %}a{% elif nothing %}b{% elif n == 7 %}c{% else %}d{% endif %}",
    # loops
    "{% for i in list %}{{ loop.index }}/{{ loop.index0 }}/{{ loop.revindex }}/{{ loop.revindex0 }}/{{ loop.first }}/{{ loop.last }}/{{ loop.length }} {% endfor %}",
    "{% for i in list %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }} {% endfor %}",
    "{% for i in list %}{{ loop.cycle('a', 'b') }}{{ loop.changed(i > 1) }} {{ loop.depth }} {% endfor %}",
    "{% for i in [] %}x{% else %}empty{% endfor %} {% for i in list if i > 5 %}x{% else %}none{% endfor %}",
    "{% for i in list if i != 1 %}{{ loop.index }}:{{ i }} {% endfor %}",
    "{% for i in list %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% endfor %} {% for i in list %}{% if i == 1 %}{% break %}{% endif %}{{ i }}{% endfor %}",
    "{% for i in [1] %}{% break %}{% else %}else after break{% endfor %} {% for i in [1, 2] %}{{ i }}{% if i == 2 %}{% break %}{% endif %}{% else %}not here{% endfor %}",
    "{% for k in nested %}{{ k }} {% endfor %}{% for k, v in nested.items() %}{{ k }}:{{ v }} {% endfor %}{% for c in 'añ🙂' %}[{{ c }}]{% endfor %}",
    "{% for a, (b, c) in [[1, [2, 3]]] %}{{ a }}{{ b }}{{ c }}{% endfor %} {% for x in undefined_thing %}x{% else %}undefined is empty{% endfor %}",
    "{% for row in [[1, 2], [3]] %}{% for c in row %}{{ loop.index }}{{ loop.last }}{% endfor %}|{{ loop.index }};{% endfor %}",
    "{% for row in [[1, 2], [3]] %}{% set outer = loop %}{% for c in row %}{{ outer.index }}.{{ loop.index }} {% endfor %}{% endfor %}",
    "{% for i in range(3) %}{{ i }}{% endfor %} {% for i in range(5, 0, -2) %}{{ i }}{% endfor %} {{ range(3) }} {{ range(1, 4, 2) }} {{ range(0)|list }} {{ range(5)[-1] }}",
    "{% for item in [{'n': 1, 'c': [{'n': 2, 'c': []}]}] recursive %}{{ item.n }}@{{ loop.depth }}({{ loop(item.c) }}){% endfor %}",
    "{% for message in messages[::-1] %}{{ messages|length - 1 - loop.index0 }}{{ message.role[0] }} {% endfor %}",
    "{% for m in messages %}{% if not loop.first and messages[loop.index0 - 1].role == 'user' %}after-user {% endif %}{{ m.role }} {% endfor %}",
    "{% for m in messages | rejectattr('role', 'equalto', 'system') %}{{ loop.index }}{{ m.content }}{{ '' if loop.last else ',' }}{% endfor %}",
    "{% for i in 1, 2, 3 %}{{ i }}{% endfor %}",
    "{% for loop_item in list %}{{ loop is defined }}{% endfor %}{{ loop is defined }} {% for i in list %}{{ loop }}{% endfor %}",
    # macros
    "{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(1, c='z') }} {{ m(b=5, a=0) }} {{ m() }} {{ m is callable }} {{ m.name }}",
    "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, k=4) }}",
    "{% macro m(a, b=a) %}{{ a }}{{ b }}{% endmacro %}{{ m('q') }}",
    "{% macro fact(n) %}{% if n <= 1 %}1{% else %}{{ n * fact(n - 1)|int }}{% endif %}{% endmacro %}{{ fact(5) }}",
    "{% macro wrap(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call wrap('b') %}in {{ name }}{% endcall %}",
    "{% macro each(xs) %}{% for x in xs %}{{ caller(x, loop.index) }}{% endfor %}{% endmacro %}{% call(x, i) each(list) %}{{ i }}={{ x }} {% endcall %}",
    "{% macro m() %}\n  line\n{% endmacro %}[{{ m() }}] {{ m()|trim|length }} {{ 'x' ~ m() }}",
    "{% macro m(d) -%}\n  {%- for k in d %}{{ k }} {% endfor -%}\n{%- endmacro %}[{{ m({'a': 1}) }}]",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
    "{% for i in list %}{% macro m(x) %}{{ x }}{{ i }}{% endmacro %}{{ m('v') }} {% endfor %}",
    "{% macro m(*args) %}{% endmacro %}",
    # functions
    "{{ strftime_now('%Y-%m-%d') }} {{ strftime_now('%d %b %Y') }} {{ strftime_now('%A, %B %d, %Y %H:%M:%S %p %I %j %U %W %y %a %w %%') }} {{ strftime_now('%-d %-m %-H %-I %e') }} {{ strftime_now('%c|%x|%X|%D|%F|%T|%R|%u|%V|%G|%Z|%z|%f') }}",
    "{% set d = {1: 'a', 1.0: 'b', true: 'c', 0: 'z'} %}{{ d }} {{ d[true] }} {{ d.get(1.0) }} {{ false in d }} {{ 2 in d }} {{ d == {true: 'c', 0.0: 'z'} }}",
    "{{ dict(a=1, b=2) }} {{ dict([('x', 1)]) }} {{ dict({'y': 1}, z=2) }}",
    "{{ dict(**{'a': 1}) }} {{ range(*[1, 3])|list }} {{ '{} {}'.format(*['a', 'b']) }}",
    "{% generation %}assistant {{ name }}{% endgeneration %}",
    "a\n{% generation %}\n{% set inner = 1 %}\ntext\n{% endgeneration %}\n{{ inner is defined }}",
    "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{{ loop.index }}{% endgeneration %}{% endif %}{% endfor %}",
    # shapes of real templates
    "{%- set loop_messages = messages[1:] if messages[0]['role'] == 'system' else messages -%}{% for m in loop_messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{{ '[' + m['role'] + '] ' + m['content'] | trim }}{% endfor %}",
    "{{- bos_token | default('<s>') }}{%- if not date_string is defined %}{%- set date_string = '26 Jul 2024' %}{%- endif %}{{ date_string }}",
    "{%- if tools is not none and tools is defined %}T{% else %}no tools{% endif %}",
    "{{ messages | map(attribute='content') | join('\\n') }}",
    "{%- for m in messages %}\n    {%- if m.content is string %}\n        {{- m.content }}\n    {%- elif m.content is iterable and m.content is not mapping %}\n        {%- for part in m.content %}{{- part.text }}{%- endfor %}\n    {%- endif %}\n{%- endfor %}",
    "{%- macro render_extra(d, keys) -%}\n{%- for k in d %}{%- if k not in keys %}{{ '\\n<' ~ k ~ '>' ~ (d[k] | tojson if d[k] is mapping or (d[k] is sequence and d[k] is not string) else d[k] | string) ~ '</' ~ k ~ '>' }}{%- endif %}{%- endfor %}\n{%- endmacro %}{{ render_extra(nested, ['a']) }}",
    # errors
    "{{ raise_exception('Only user and assistant roles are supported: ' + name) }}",
    "line one\n{% if true %}\n{{ raise_exception('on line three') }}\n{% endif %}",
    "{{ undefined_thing.x }}",
    "{{ nested.missing.deeper }}",
    "{{ nested['missing'] + 'x' }}",
    "{{ 'a' + 1 }}",
    "{{ 1 + 'a' }}",
    "{{ none + 'a' }}",
    "{{ undefined_thing + 1 }}",
    "{{ undefined_thing() }}",
    "{{ 1 / 0 }}",
    "{{ 'a' < 1 }}",
    "{{ none|length }}",
    "{{ list.append(1) }}",
    "{{ nested.update({}) }}",
    "{% for x in 5 %}{% endfor %}",
    "{% for x in none %}{% endfor %}",
    "{% set a, b = [1] %}",
    "{% set name.x = 1 %}",
    "{{ name() }}",
    "{{ [1]|join(undefined_thing.x) }}",
    "{{ undefined_thing|tojson }}",
    "{{ 'a'|no_such_filter }}",
    "{{ 1 is no_such_test }}",
    "{{ range(1000000) }}",
    "{{ {}['a'].b }}",
    "{{ ['a', 1]|sort }}",
    "{{ list|map|list }}",
    "{{ (list|map('string'))|length }}",
    "{{ 'x'.index('y') }}",
    "{{ 'x'.no_such_method() }}",
    "{{ ', '.join([1]) }}",
    "{{ {[1]: 2} }}",
    "{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}",
    "{% macro m(a) %}{% endmacro %}{{ m(z=2) }}",
    "{% set ns = namespace() %}{% set ns._x = 1 %}",
    "{{ ''.__class__.__mro__ }}",
    "{{ '%d' % 'x' }}",
    # syntax errors
    "{% set e, = [5] %}",
    "{{ 1 + }}",
    "{{ (1 }}",
    "a\nb\n{{ ] }}",
    "{% if true %}",
    "\n\n{% if true %}\nx\n{% endfor %}",
    "{% for x %}{% endfor %}",
    "{% unknown %}",
    "\n{% endif %}",
    "{{ 'unclosed }}",
    "{# unclosed",
    "{% raw %} unclosed",
    "{{ a b }}",
    "{% set 1 = 2 %}",
    "{% set x %}",
    "{{ x.y. }}",
    "{{ f(a=1, 2) }}",
    "{% break %}",
    "{{ 1 is number is string }}",
    "{% macro m(a=1, b) %}{% endmacro %}",
    "{{ $ }}",
    "{{",
    "{% if %}x{% endif %}",
    "{{ }}",
    "{% for a in b %}{% else %}{% else %}{% endfor %}",
]


def render(template):
    try:
        return {"output": chat._compile_jinja_template(template).render(**VARIABLES)}
    except jinja2.exceptions.TemplateSyntaxError as e:
        return {"error": type(e).__name__, "message": e.message, "line": e.lineno}
    except Exception as e:  # whatever a template can raise is part of the reference
        return {"error": type(e).__name__, "message": str(e)}


def main(path):
    cases = [{"template": template, **render(template)} for template in CASES]
    with open(path, "w", encoding="utf-8") as out:
        json.dump({"now": NOW.isoformat(), "variables": VARIABLES, "cases": cases}, out, ensure_ascii=False, indent=1)
        out.write("\n")
    errors = sum("error" in case for case in cases)
    print(f"{len(cases)} cases, {errors} of them errors")


main(sys.argv[1])
