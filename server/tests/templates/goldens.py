"""Renders templates with the public client's own renderer and freezes the results.

Run with a Python that has `tinybird-cli` 5.22.2: goldens.py > goldens.json. A case is
[template, variables, checking, secrets]; its golden adds the SQL, or null where the client refuses.
"""
import json
import logging
import sys

from tinybird.sql_template import get_var_names_and_types, render_sql_template
from tinybird.tornado_template import Template

logging.disable(logging.CRITICAL)

TYPES = ["String", "Boolean", "DateTime64", "DateTime", "Date", "Float32", "Float64", "Int", "Integer",
         "Int8", "Int16", "Int32", "Int64", "Int128", "Int256", "UInt8", "UInt16", "UInt32", "UInt64",
         "UInt128", "UInt256"]
VALUES = [None, "", "0", "1", "-1", "+7", "007", "127", "128", "-128", "-129", "255", "256", "65535", "65536",
          "2147483647", "2147483648", "-2147483648", "9223372036854775807", "9223372036854775808",
          "18446744073709551615", "18446744073709551616", "1.5", "1e3", "1e400", "nan", "-inf", "0.1", "1e16", "123456789012345680",
          "1e-5", "0.0001", "abc", "it's", 'say "hi"', "back\\slash", "50%", "tick`", "tab\tnew\nline", "é😀",
          "true", "FALSE", "True", "2024-01-01", "2024-01-01 10:20:30", "2024-01-01T10:20:30",
          "2024-01-01 10:20:30.123", "2024-05-01T00:00:00.000Z ", "01/02/2024 1:2:3", "01/02/2024 1:2:3.4",
          "2024-1-1", "a,b,c", "1,2,3", "1, 2", "1,x", 5, -5, 1.5, 1e22, True, False, [1, 2], ["a", "b'c"], [], {"a": 1}]

cases = []


def case(template, variables=None, checking=False, secrets=None):
    cases.append([template, variables or {}, checking, secrets or []])


for value in VALUES:
    given = {} if value is None else {"x": value}
    case("{{x}}", given)
    case("{% if x %}yes{% else %}no{% end %}", given)
    case("{% if defined(x) %}yes{% else %}no{% end %}", given)
    case("{{column(x, 'd')}} {{columns(x, 'a, b')}}", given)
    case("{{symbol(x)}}", given)
    case("{{split_to_array(x, 'p,q')}}", given)
    case("{{sql_unescape(String(x), '%')}}", given)
    for t in TYPES:
        if t not in ("Int16", "UInt16", "Int64", "UInt32", "UInt128", "Float32"):
            case("{{%s(x)}}" % t, given)
        if t in ("String", "Boolean", "Int8", "Float64", "Date", "Int256"):
            case("{{Array(x, '%s')}}" % t, given)
    case("{{Array(x)}}", given)
    case("{{JSON(x)}}", given)
for t in TYPES:
    for d in ["0", "1", "'1'", "'2024-01-01'", "'2024-01-01 00:00:00'", "'2024-01-01 00:00:00.000'", "''", "None", "-3", "2.5"]:
        for checking in (False, True):
            case("{{%s(x, %s)}}" % (t, d), {}, checking)
            case("{{%s(x, %s)}}" % (t, d), {"x": "9"}, checking)
            if t != "Boolean":
                case("{{%s(x, default=%s, description='what', required=True)}}" % (t, d), {}, checking)
        case("{{Array(x, '%s', %s)}}" % (t, d))
    case("{{%s(x)}}" % t, {}, True)
    case("{{Array(x, '%s')}}" % t, {}, True)

SHAPES = [
    "SELECT 1", "", "{ a } {!", "{{!x}} {%!x%}", "{{{x}}}", "a {# gone {{x}} #} b", "{% comment anything %}b",
    "{% if x == 'a' %}A{% elif x == 'b' %}B{% else %}C{% end %}",
    "{% if x in ['a', 'b'] %}in{% end %}", "{% if x not in ('a',) %}out{% end %}", "{% if not x %}no{% end %}",
    "{% if x and y %}both{% end %}", "{% if x or y %}one{% end %}", "{% if defined(x) and x != 'a' %}q{% end %}",
    "{% for v in [1, 2, 3] %}{{v}},{% end %}", "{% for a, b in [(1, 'x'), (2, 'y')] %}{{a}}={{b}};{% end %}",
    "{% for last, v in enumerate_with_last(split_to_array(x, 'a,b')) %}{{v}}{% if not last %} OR {% end %}{% end %}",
    "{% for i, v in enumerate(['a','b']) %}{{i}}{{v}}{% end %}", "{% for v in range(3) %}{{v}}{% end %}",
    "{% for v in range(5, 0, -2) %}{{v}}{% end %}", "{% for k, v in JSON(x, '{}').items() %}{{k}}{{v}}{% end %}",
    "{% for v in x.split(',') %}{{v.strip()}}{% end %}", "{% for v in [1,2,3,4] %}{% if v == 3 %}{% break %}{% end %}{{v}}{% end %}",
    "{% for v in [1,2,3,4] %}{% if v == 2 %}{% continue %}{% end %}{{v}}{% end %}",
    "{% set a = 5 %}{% set b = a * 2 %}{{ b }} {{ a + b }} {{ a - b }}", "{% set a = 'x' %}{{ a + 'y' }}", "{% set a = 7 // 2 %}{{a}}",
    "{% set a = -7 // 2 %}{{a}}", "{% set a = -7 % 3 %}{{a}}", "{% set a = 7 / 2 %}{{a}}", "{% set a = 2 ** 10 %}{{a}}", "{% set a = 1 / 3 %}{{a}}",
    "{% set a = [] %}{% for v in [1,2] %}{% set a.append(v * 2) %}{% end %}{{ a }}",
    "{% set a = {} %}{% set a['k'] = 1 %}{{ a.get('k') }}{{ a.get('z', 'none') }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set a = 1 %}{% set a += 2 %}{{ a }}", "{% set a = 'yes' if x == 'a' else 'no' %}{{ a }}", "{{ 'yes' if x else 'no' }}",
    "{{ 'a,b,c'.split(',')[1] }}", "{{ 'abc'[0] }}", "{{ 'abc'[-1] }}", "{{ 'abcdef'[1:3] }}", "{{ [1,2,3][0:2] }}",
    "{{ ','.join(['a','b']) }}", "{{ 'a-b'.replace('-', '_') }}", "{{ len('abc') }}", "{{ min(1, 2) }} {{ max([3, 4]) }}", "{{ int('5') }} {{ float('1.5') }}",
    "{% set a = sorted([3,1,2]) %}{{ a }}", "{% set a = sum([1,2]) %}{{ a }}", "{% set a = str(5) %}{{ a }}", "{% set a = [v for v in [1,2,3] if v > 1] %}{{ a }}",
    "{% set a = 'A'.lower() + 'b'.upper() %}{{ a }}", "{% set a = x.startswith('a') %}{{ a }}", "{% set a = '%s-%d' % ('q', 3) %}{{ a }}", "{% set a = '{}-{}'.format(1, 'z') %}{{ a }}",
    "{% set a = round(2.567, 2) %}{{a}} {% set b = round(2.5) %}{{b}} {% set c = abs(-4) %}{{c}}", "{% set a = any([0, 1]) and all([1, 1]) %}{{ a }}",
    "{% set a = list(zip([1,2],['a','b'])) %}{{ a }}", "{% while False %}x{% end %}", "{% set i = 0 %}{% while i < 3 %}{{ i }}{% set i += 1 %}{% end %}",
    "{{ Int32(page, 0) * Int32(size, 10) }}", "{{ Int32(page, 0) + 1 }}", "{{ column(String(x, 'name'), 'd') }}", "{% if Int32(page, 0) > 3 %}big{% end %}",
    "{% if String(x, '') == 'a' %}same{% end %}", "{{ Float64(f, 1.5) * 2 }}", "{{ error('no') }}", "{{ custom_error({'a': 1}, 404) }}", "{{ max_threads(4) }}SELECT 1",
    "{{ backend_hint('ro') }}SELECT 1", "{{ cache_ttl('5m') }}SELECT 1", "{{ cache_ttl('7m') }}SELECT 1", "{{ activate('analyzer') }}", "{{ activate('x') }}", "{{ disable('analyzer') }}",
    "{{ tb_secret('s') }}", "{{ tb_secret('t') }}", "{{ tb_secret('t', 'dflt') }}", "{{ tb_var('s') }}", "{{ table('ws.t') }} {{ TABLE('x') }}", "{{ columns('a,b', fn='sum') }}",
    "{{ sql_and(a=x, b__in=Array(x, 'String', 'p'), c__gte=Int(page, 3)) }}", "{{ sql_and(a__zz=x) }}",
    "{{ day_diff('2019-01-01', '2019-02-03') }}", "{{ day_diff('2019-01-01', 'x') }}", "{{ date_diff_in_days('2019-01-01', '2019/01/04', backup_date_format='%Y/%m/%d') }}",
    "{{ date_diff_in_hours('2022-12-19T18:42:23.521Z', '2022-12-20T20:43:22.000Z', date_format='%Y-%m-%dT%H:%M:%S.%fz') }}", "{{ date_diff_in_minutes('2022-12-14 18:42:22', '2022-12-19 18:42:21') }}",
    "{{ date_diff_in_seconds('2022-12-19 18:42:22', '2022-12-19 18:43:22') }}", "{{ date_diff_in_days('2019-02-30', '2019-02-01') }}",
    "{% if date_diff_in_days('2019-02-30', '2019-02-01', none_if_error=True) is None %}none{% end %}",
    "{{ undefined_name }}", "{{ f(x) }}", "{{ x.y }}", "{{ x.nope() }}", "{{ }}", "{% %}", "{% end %}", "{% if x %}", "{% else %}", "{% bogus %}", "{% import os %}", "{% include 'a' %}",
    "{{ 'unterminated }}", "{{ (1 }}", "{{ 1 + }}", "{{ [1,2][5] }}", "{{ {'a': 1}['b'] }}", "{{ 'a' + 1 }}", "{{ format }}", "{{ String(q) }}", "{% if format == 'a' %}{% end %}",
    "{% if x < 3 %}a{% end %}", "{{ Array(x, 'String', 'a,b') }}{% for r in x %}{{ r }}{% end %}", "{% if Boolean(x, 1) %}t{% else %}f{% end %}",
    "{{ Array(repos, 'String', description='Repos', required=False) }}", "{{ Array(repos, 'Int32', defined=False) }}",
    "{%if x%}tight{%end%}{{String(x,'q')}}", "{{\n  String(\n  x,\n 'q',\n description='d',\n )\n}}", "line1\n{% if x %}\nline3\n{% end %}\nline5",
    "{{ true }}", "{% if true %}a{% else %}b{% end %}", "{% if None %}a{% else %}b{% end %}", "{% if True %}a{% end %}", "{{ Boolean(x, false) }}", "{{ Boolean(x, default=True) }}",
    "{{ 1 }} {{ 1.0 }} {{ -1 }} {{ 'it''s' }} {{ \"q\" }} {{ (1,2) }} {{ [1,'a'] }} {{ {'a': [1, None]} }} {{ True }}",
    "{{ 'caf\\u00e9 \\x41 \\n' }}", "{{ r'\\d' }}", "{{ '''tri'ple''' }}", "{{ 1_000 }}", "{{ not x }}",
    "{% set a = 'x' in 'xyz' %}{{a}}", "{% set a = 1 < 2 < 3 %}{{a}}", "{% set a = (1, 'b') == (1, 'b') %}{{a}}", "{% set a = [1,2] < [1,3] %}{{a}}", "{% set a = 'b' > 'a' %}{{a}}",
    "{% set a = 'a,b'.split(',', 1) %}{{a}}", "{% set a = 'a  b'.split() %}{{a}}", "{% set a = ' a '.strip() %}{{a}}", "{% set a = 'ab'.find('b') %}{{a}}", "{% set a = 'ab'.title() %}{{a}}",
    "{% for a in JSON(filters, '[]') %}{{ a['f'] }}{{ a.get('v') }}{% end %}",
    "{% for i in range(2) %}{% for j in range(2) %}{{ i }}{{ j }} {% end %}{% end %}", "{% for v in [] %}x{% else %}empty{% end %}",
]
GIVEN = [{}, {"x": "a"}, {"x": "b", "y": "1"}, {"x": "a,b", "page": "4", "size": "25", "f": "2.25"}, {"x": ["p", "q"], "repos": ["r1", "r2"]},
         {"x": '{"k": "v", "n": 1}', "filters": '[{"f": "col", "v": 2}]', "repos": "1,2"}, {"x": 5, "repos": "a'b,c"}]
for shape in SHAPES:
    for given in GIVEN:
        case(shape, given, False, ["tb_secret_s"])
    case(shape, {}, True, ["tb_secret_s"])

out = []
for template, variables, checking, secrets in cases:
    try:
        sql, extra, _ = render_sql_template(template, json.loads(json.dumps(variables)), secrets=secrets, test_mode=checking)
    except (Exception, SystemExit) as e:
        sql = None
    out.append([template, variables, checking, [s.removeprefix("tb_secret_") for s in secrets], sql])
seen = set()
lines = []
for entry in out:
    line = json.dumps(entry, ensure_ascii=False)
    if line not in seen:
        seen.add(line)
        lines.append(line)
sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")
