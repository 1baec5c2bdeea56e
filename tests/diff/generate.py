"""Random queries over the tables of data.py, typed so that most of them are valid."""

import random

NUMBERS = ["id", "i8", "u16", "i64", "f64", "n", "dec", "length(s)", "toYear(d)", "arraySum(a)", "tup.1", "m['k']", "b",
           "length(a)", "toUnixTimestamp(dt)", "toFloat32(u16)", "toInt16(i8)", "toUInt8(id % 7)", "cityHash64(s) % 100",
           "dateDiff('day', d, toDate('2024-01-01'))", "position(s, '1')", "indexOf(a, 3)", "toNullable(u16)", "CAST(u16, 'Decimal(9, 2)')"]
STRINGS = ["s", "lc", "ns", "toString(id)", "upper(s)", "substring(s, 2, 2)", "tup.2", "toString(e)", "concat(lc, s)", "toString(d)",
           "toString(dt64)", "toString(fs)", "toString(u)", "arrayStringConcat(sa, ',')", "formatDateTime(dt, '%Y-%m')", "toLowCardinality(s)",
           "toString(n)", "toString(dec)", "hex(s)", "splitByChar('s', s)[2]"]
DATES = ["d", "dt", "dt64", "toStartOfMonth(d)", "toDate(dt)", "toStartOfHour(dt)", "d + 3", "toStartOfWeek(dt)", "toMonday(d)",
         "addMonths(d, 1)", "dt + INTERVAL 1 DAY", "toStartOfInterval(dt, INTERVAL 15 MINUTE)", "toDateTime(d)", "toStartOfDay(dt64)",
         "dt64 - INTERVAL 1 HOUR", "toStartOfQuarter(dt)", "toTimeZone(dt, 'Europe/Berlin')"]
ARRAYS = ["a", "sa", "[id, u16]", "arrayMap(x -> x + 1, a)", "arrayFilter(x -> x > 2, a)", "arraySort(a)", "arrayReverse(sa)", "arrayDistinct(a)",
          "arrayConcat(a, [1, 2])", "range(toUInt8(id % 4))", "splitByChar('1', s)", "mapKeys(m)", "mapValues(m)", "arrayZip(a, a)",
          "arrayEnumerate(sa)", "[n, 1]", "[lc, 'x']", "arraySlice(a, 2)", "emptyArrayInt32()", "arrayMap((x, i) -> x * i, a, arrayEnumerate(a))"]
OTHERS = ["tup", "m", "u", "e", "fs", "(id, s)", "(n, lc)", "map('x', u16)", "tuple(a, b)", "mapFilter((k, v) -> v > 3, m)", "toIPv4('1.2.3.4')",
          "(SELECT max(v) FROM r)", "CAST(a, 'Array(String)')", "NULL", "[]", "if(b, tup, (1, 'x'))"]
BOOLS = ["b", "id % 2 = 0", "n IS NULL", "has(a, 3)", "s LIKE 's1%'", "lc IN ('alpha', 'beta')", "u16 > 500",
         "d BETWEEN '2023-03-01' AND '2023-06-30'", "ns IS NOT NULL", "e = 'red'", "empty(sa)", "f64 < 50"]


class Gen:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def number(self, depth=2):
        r = self.r
        if depth == 0 or r.random() < 0.4:
            return r.choice(NUMBERS + [str(r.randint(-5, 20)), "2.5"])
        a, b = self.number(depth - 1), self.number(depth - 1)
        return r.choice([
            f"{a} + {b}", f"{a} - {b}", f"{a} * {r.randint(1, 9)}", f"abs({a})", f"intDiv(toInt64({a}), {r.randint(1, 9)})",
            f"toInt64(ifNull({a}, 0)) % {r.randint(2, 9)}", f"if({self.boolean(0)}, {a}, {a})", f"ifNull({a}, 0)",
            f"round(toFloat64({a}), 1)", f"greatest({a}, {a})", f"negate({a})", f"toInt32(u16 / {r.randint(1, 9)})", f"({a})",
            f"least({a}, {r.randint(-5, 50)})", f"coalesce({a}, {b})", f"multiIf({self.boolean(0)}, {a}, {self.boolean(0)}, {b}, {r.randint(0, 9)})",
            f"sign({a})", f"floor({a})", f"ceil({a})", f"toFloat64({a}) / {r.randint(1, 9)}", f"length({self.array()})", f"bitAnd(id, {r.randint(1, 255)})",
            f"nullIf({a}, {r.randint(0, 9)})", f"toUInt8(abs(toInt64(ifNull({a}, 0))) % 256)", f"CASE WHEN {self.boolean(0)} THEN {a} ELSE {b} END",
            f"toDecimal64(u16, 2) + {r.randint(1, 9)}", f"modulo(id, {r.randint(1, 9)})", f"intDivOrZero(u16, i8)", f"exp2(id % 5)",
            f"arraySum(x -> x * {r.randint(1, 5)}, a)", f"lengthUTF8({self.string(0)})", f"transform(lc, ['alpha', 'beta'], [1, 2], {r.randint(0, 9)})",
            f"toInt8({r.randint(-100, 100)}) * i8", f"id - u16", f"pow(u16, 2)",
        ])

    def array(self):
        return self.r.choice(ARRAYS)

    def other(self):
        r = self.r
        return r.choice([r.choice(OTHERS), self.array(), f"tuple({self.number(0)}, {self.string(0)})", f"[{self.number(0)}]", f"has(a, {r.randint(0, 9)})",
                         f"toTypeName({self.number(1)})", f"toTypeName({self.string(1)})", f"toTypeName({r.choice(DATES)})",
                         f"arrayMap(x -> {self.number(0)}, a)", f"arrayExists(x -> x = {r.randint(0, 9)}, a)", f"{self.array()}[1]"])

    def string(self, depth=1):
        r = self.r
        if depth == 0 or r.random() < 0.5:
            return r.choice(STRINGS)
        a = self.string(depth - 1)
        return r.choice([
            f"lower({a})", f"concat({a}, '-', {a})", f"if({self.boolean(0)}, {a}, 'x')", f"replaceAll({a}, '1', 'one')",
            f"left({a}, 3)", f"coalesce({a}, 'none')", f"reverse({a})", f"trimBoth({a})", f"leftPad(ifNull({a}, ''), 6, '.')",
            f"substring({a}, 2)", f"right({a}, 2)", f"replaceRegexpAll({a}, '[0-9]', '#')", f"extract({a}, '[a-z]+')", f"concat({a}, toString({self.number(0)}))",
            f"CASE {a} WHEN 's1' THEN 'one' WHEN 'alpha' THEN 'first' ELSE {a} END", f"multiIf({self.boolean(0)}, {a}, 'y')", f"ifNull({a}, 'q')",
            f"nullIf({a}, 'alpha')", f"repeat(substring({a}, 1, 1), 3)", f"toString({self.array()})", f"toString({r.choice(DATES)})", f"({a}) || '!'",
            f"format('{{}}-{{}}', {a}, 'z')", f"greatest({a}, 'm')", f"upperUTF8({a})", f"splitByChar('a', {a})[1]", f"CAST({a}, 'Nullable(String)')",
            f"if({self.boolean(0)}, lc, lc)", f"transform({a}, ['s1', 'alpha'], ['p', 'q'], 'r')", f"initcap({a})", f"translate({a}, '123', 'abc')",
        ])

    def boolean(self, depth=1):
        r = self.r
        if depth == 0 or r.random() < 0.5:
            return r.choice(BOOLS)
        return r.choice([
            f"({self.boolean(depth - 1)} AND {self.boolean(depth - 1)})", f"({self.boolean(depth - 1)} OR {self.boolean(depth - 1)})",
            f"NOT {self.boolean(depth - 1)}", f"{self.number(1)} > {r.randint(-10, 500)}", f"{self.string(0)} < 's3'",
            f"{self.number(1)} IN (1, 2, 3, 50)", f"id IN (SELECT id FROM r WHERE v > {r.randint(0, 99)})",
            f"{self.string(1)} IN ('s1', 'alpha', 's42', '')", f"{self.number(1)} BETWEEN 1 AND {r.randint(2, 500)}", f"{self.string(0)} LIKE '%{r.randint(0, 9)}%'",
            f"{self.number(0)} = {self.number(0)}", f"{self.string(0)} = {self.string(0)}", f"(id, lc) IN (SELECT id, k FROM r)", f"n NOT IN (1, 2, {r.randint(3, 60)})",
            f"lc NOT IN ('alpha', 'x')", f"xor({self.boolean(0)}, {self.boolean(0)})", f"empty({self.string(0)})", f"isNull({self.number(0)})", f"tup = (3, '3')",
            f"EXISTS (SELECT 1 FROM r WHERE r.id = t.id AND r.v > {r.randint(0, 99)})", f"match({self.string(0)}, '[0-9]$')", f"n IS NOT DISTINCT FROM {r.randint(0, 50)}",
            f"{r.choice(DATES[:3])} > now()", f"toHour(dt) IN (1, 5, 9)", f"arrayExists(x -> x > {r.randint(0, 9)}, a)", f"i8 > u16", f"ns > s", f"dec >= {r.randint(0, 100)}.5",
            f"{self.string(0)} != ''", f"{r.choice(DATES[:3])} >= toDate('2023-0{r.randint(2, 9)}-01')",
        ])

    def aggregate(self):
        r = self.r
        n = r.choice(NUMBERS)
        return r.choice([
            "count()", f"sum({n})", f"min({self.string(0)})", f"max({r.choice(DATES)})", f"avg({n})", f"uniqExact({self.string(0)})",
            f"countIf({self.boolean(0)})", f"sumIf({n}, {self.boolean(0)})", f"count(DISTINCT {r.choice(['s', 'lc', 'u16', 'd', 'n'])})",
            f"arraySort(groupUniqArray({r.choice(['lc', 'e', 'i8 % 5'])}))", f"argMax(id, (f64, id))", f"any(lc)" if False else "max(n)",
            f"quantileExact(0.5)({r.choice(['u16', 'id', 'i64'])})", "round(stddevPop(f64), 6)", "minIf(id, b)", "groupBitXor(u16)",
            f"countIf({self.boolean(0)} AND {self.boolean(0)})", "sum(length(a))",
            f"sum({self.number(1)})", f"min({self.number(1)})", f"max({self.string(1)})", f"avg({self.number(0)})", f"uniqExact({self.number(0)})", f"uniq({self.string(0)})",
            f"argMin({self.string(0)}, id)", f"argMax({self.number(0)}, id)", "groupBitAnd(id)", "groupBitOr(u16)", "round(varSamp(f64), 6)", "round(corr(id, u16), 6)",
            f"sumIf(dec, {self.boolean(0)})", f"avgIf(n, {self.boolean(0)})", f"maxIf(d, {self.boolean(0)})", f"uniqExactIf(s, {self.boolean(0)})", "sumMap(m)",
            "arraySort(groupArray(i8 % 3))", "length(groupArray(n))", "minOrNull(n)", "sumOrNull(n)", f"count({self.string(0)})", "quantileExact(0.9)(n)", "medianExact(u16)",
            "any(1)", "uniqExact(lc, e)", "uniq(id, lc)", "count(DISTINCT lc, e)", "sumArray(a)", "max(a)", "min(tup)", "max(dt64)", "topK(1)(1)", "sumDistinct(u16)",
            "countDistinct(ns)", "arraySort(groupUniqArray(ns))", "sumWithOverflow(i8)", "sum(b)", "avg(dec)", "quantilesExact(0.1, 0.9)(u16)", "groupArraySorted(3)(id)",
            "entropy(e) > 0", "maxMap(m)", "deltaSum(1)", "anyIf(lc, lc = 'beta')", "argMaxIf(s, id, b)",
        ])

    def key(self):
        return self.r.choice(["lc", "e", "b", "n", "ns", "u16 % 7", "toMonth(d)", "toStartOfMonth(d)", "length(a)", "left(s, 2)",
                              "toDayOfWeek(dt)", "i8 > 0", "tup", "id % 3", "toYYYYMM(d)", "fs", "a", "toStartOfWeek(d)", "toLowCardinality(toString(u16 % 5))", "dec > 50",
                              "if(b, lc, 'z')", "(lc, b)", "toHour(dt64)", "isNull(n)", "n % 3", "toQuarter(d)", "toNullable(u16 % 3)", "lc IN ('alpha', 'beta')",
                              "CASE lc WHEN 'alpha' THEN 1 ELSE 2 END", "multiIf(u16 < 100, 'low', u16 < 500, 'mid', 'high')", "coalesce(ns, 'none')", "m['k']"])

    def where(self):
        return f" WHERE {self.boolean(2)}" if self.r.random() < 0.7 else ""

    def query(self):
        r = self.r
        kind = r.randrange(14)
        if kind >= 10:
            return self.rarer(kind)
        if kind < 3:
            items = [r.choice([self.number(2), self.string(2), self.boolean(1), r.choice(DATES), self.other()]) for _ in range(r.randint(1, 4))]
            items = ", ".join(f"{x} AS c{i}" for i, x in enumerate(items))
            return f"SELECT id, {items} FROM t{self.where()} ORDER BY id LIMIT {r.randint(1, 30)}"
        if kind < 7:
            keys = [self.key() for _ in range(r.randint(1, 2))]
            aggs = [self.aggregate() for _ in range(r.randint(1, 3))]
            select = ", ".join([f"{k} AS k{i}" for i, k in enumerate(keys)] + [f"{a} AS a{i}" for i, a in enumerate(aggs)])
            group = ", ".join(f"k{i}" for i in range(len(keys)))
            having = r.choice(["", "", " HAVING count() > 100"])
            return f"SELECT {select} FROM t{self.where()} GROUP BY {group}{having} ORDER BY {group}"
        if kind == 7:
            join = r.choice(["INNER", "LEFT", "RIGHT", "FULL", "ANY LEFT", "SEMI", "ANTI LEFT"])
            return (f"SELECT count(), sum(v), sum(u16), countIf(w IS NULL) FROM t {join} JOIN r ON t.id = r.id"
                    if r.random() < 0.5 else
                    f"SELECT lc, count() AS c, max(v) AS v FROM t {join} JOIN (SELECT k, max(v) AS v FROM r GROUP BY k) AS q ON t.lc = q.k GROUP BY lc ORDER BY lc")
        if kind == 8:
            window = r.choice(["row_number()", "sum(u16)", "count()", "max(id)", "rank()", "lagInFrame(id, 1)", "avg(f64)", "dense_rank()"])
            return f"SELECT id, lc, {window} OVER (PARTITION BY {r.choice(['lc', 'e', 'b'])} ORDER BY id) AS w FROM t WHERE id < {r.randint(10, 200)} ORDER BY id"
        inner = f"SELECT {self.key()} AS k, {self.number(1)} AS v FROM t{self.where()}"
        return f"SELECT k, count() AS c, max(v) AS m FROM ({inner}) GROUP BY k HAVING c > 1 ORDER BY k LIMIT 20"


    def rarer(self, kind):
        r = self.r
        if kind == 10:
            join = r.choice(["INNER", "LEFT", "ANY LEFT", "SEMI LEFT", "ANTI LEFT", "FULL", "RIGHT"])
            key = r.choice([("t.id", "r.id"), ("t.u16", "r.v"), ("t.n", "r.v"), ("t.lc, t.id", "r.k, r.id"), ("t.i64", "r.id"), ("t.lc", "r.k")])
            on = " AND ".join(f"{a} = {b}" for a, b in zip(key[0].split(", "), key[1].split(", ")))
            extra = r.choice(["", "", f" AND r.v > {r.randint(0, 99)}", f" AND t.u16 > {r.randint(0, 999)}"])
            nulls = r.choice(["", " SETTINGS join_use_nulls = 1"])
            group = r.choice(["t.lc", "r.k", "t.b", "isNull(r.w)"])
            left = f"(SELECT * FROM t WHERE id < {r.randint(10, 3000)}) AS t"
            aggs = ", ".join(r.choice(["sum(t.u16)", "sum(r.v)", "max(t.s)", "min(r.k)", "count(r.w)", "uniqExact(t.id)", "countIf(t.b)", "max(t.dt)", "sum(t.dec)",
                                       "min(t.n)", "max(r.w)", "uniqExact(r.id)"]) for _ in range(2))
            any_sums = "" if "ANY" in join else f", {aggs}"
            return f"SELECT {group} AS g, count() AS c{any_sums} FROM {left} {join} JOIN r ON {on}{extra} GROUP BY g ORDER BY g{nulls}"
        if kind == 11:
            frame = r.choice(["", " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW", " ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING",
                              " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", " RANGE BETWEEN 5 PRECEDING AND CURRENT ROW"])
            window = r.choice(["sum(u16)", "avg(n)", "min(s)", "max(dt)", "count(n)", "any(lc)", "uniqExact(lc)", "groupArray(i8)", "sum(dec)", "argMax(s, u16)",
                               "sumIf(u16, b)", "first_value(s)", "last_value(n)", "max(d)", "countIf(b)"])
            part = r.choice(["", "PARTITION BY lc ", "PARTITION BY b, e ", "PARTITION BY n ", "PARTITION BY toMonth(d) "])
            return f"SELECT id, {window} OVER ({part}ORDER BY id{frame}) AS w FROM t WHERE id < {r.randint(10, 150)} ORDER BY id"
        if kind == 12:
            keys = [self.key(), self.key()]
            while keys[1] == keys[0]:
                keys[1] = self.key()
            form = r.choice(["GROUP BY {} WITH ROLLUP", "GROUP BY {} WITH CUBE", "GROUP BY {} WITH TOTALS", "GROUP BY ROLLUP({})", "GROUP BY GROUPING SETS ((k0), (k1))"])
            agg = r.choice(["count()", "sum(u16)", "max(id)"])
            return f"SELECT {keys[0]} AS k0, {keys[1]} AS k1, {agg} AS x FROM t{self.where()} {form.format('k0, k1')} ORDER BY k0, k1, x"
        return r.choice([
            lambda: f"SELECT x, count() AS c FROM t ARRAY JOIN {r.choice(['a', 'sa', 'range(toUInt8(id % 4))', 'mapKeys(m)'])} AS x{self.where()} GROUP BY x ORDER BY x",
            lambda: f"SELECT lc, id, {self.number(1)} AS v FROM t{self.where()} ORDER BY lc, id LIMIT 2 BY lc",
            lambda: f"SELECT DISTINCT {self.key()} AS k, {self.key()} AS l FROM t{self.where()} ORDER BY k, l LIMIT 30",
            lambda: f"SELECT v, count() AS c FROM (SELECT {self.key()} AS v FROM t UNION ALL SELECT {r.choice(['v', 'k', 'w', 'NULL'])} AS v FROM r) GROUP BY v ORDER BY v LIMIT 20",
            lambda: f"WITH q AS (SELECT {self.key()} AS k, count() AS c FROM t{self.where()} GROUP BY k) SELECT a.k, a.c, b.c FROM q AS a LEFT JOIN q AS b ON a.k = b.k ORDER BY a.k, a.c",
            lambda: f"SELECT id, (SELECT max(v) FROM r WHERE r.id = t.id) AS m FROM t{self.where()} ORDER BY id LIMIT 20",
            lambda: f"SELECT {self.key()} AS k, sumMerge(s) AS x FROM (SELECT {self.key()} AS q, lc, b, e, n, ns, u16, d, a, s AS s0, dt, i8, tup, id, fs, dec, dt64, m, sumState({r.choice(['u16', 'id', 'n', 'dec', 'f64'])}) AS s FROM t GROUP BY q, lc, b, e, n, ns, u16, d, a, s0, dt, i8, tup, id, fs, dec, dt64, m) GROUP BY k ORDER BY k LIMIT 10",
            lambda: f"SELECT {self.aggregate()} AS a0, {self.aggregate()} AS a1 FROM t{self.where()}",
            lambda: f"SELECT id, {self.other()} AS o, {self.other()} AS p FROM t{self.where()} ORDER BY id LIMIT 12",
            lambda: f"SELECT {self.other()} AS o, count() AS c FROM t GROUP BY o ORDER BY c DESC, toString(o) LIMIT 12",
        ])()


def queries(seed, n):
    gen = Gen(seed)
    return [gen.query() for _ in range(n)]


if __name__ == "__main__":
    print(";\n".join(queries(1, 20)))
