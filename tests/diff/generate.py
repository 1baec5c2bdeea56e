"""Random queries over the tables of data.py, typed so that most of them are valid."""

import random

NUMBERS = ["id", "i8", "u16", "i64", "f64", "n", "dec", "length(s)", "toYear(d)", "arraySum(a)", "tup.1", "m['k']"]
STRINGS = ["s", "lc", "ns", "toString(id)", "upper(s)", "substring(s, 2, 2)", "tup.2", "toString(e)", "concat(lc, s)"]
DATES = ["d", "dt", "dt64", "toStartOfMonth(d)", "toDate(dt)", "toStartOfHour(dt)", "d + 3"]
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
        ])

    def string(self, depth=1):
        r = self.r
        if depth == 0 or r.random() < 0.5:
            return r.choice(STRINGS)
        a = self.string(depth - 1)
        return r.choice([
            f"lower({a})", f"concat({a}, '-', {a})", f"if({self.boolean(0)}, {a}, 'x')", f"replaceAll({a}, '1', 'one')",
            f"left({a}, 3)", f"coalesce({a}, 'none')", f"reverse({a})", f"trimBoth({a})", f"leftPad(ifNull({a}, ''), 6, '.')",
        ])

    def boolean(self, depth=1):
        r = self.r
        if depth == 0 or r.random() < 0.5:
            return r.choice(BOOLS)
        return r.choice([
            f"({self.boolean(depth - 1)} AND {self.boolean(depth - 1)})", f"({self.boolean(depth - 1)} OR {self.boolean(depth - 1)})",
            f"NOT {self.boolean(depth - 1)}", f"{self.number(1)} > {r.randint(-10, 500)}", f"{self.string(0)} < 's3'",
            f"{self.number(1)} IN (1, 2, 3, 50)", f"id IN (SELECT id FROM r WHERE v > {r.randint(0, 99)})",
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
        ])

    def key(self):
        return self.r.choice(["lc", "e", "b", "n", "ns", "u16 % 7", "toMonth(d)", "toStartOfMonth(d)", "length(a)", "left(s, 2)",
                              "toDayOfWeek(dt)", "i8 > 0", "tup", "id % 3", "toYYYYMM(d)"])

    def where(self):
        return f" WHERE {self.boolean(2)}" if self.r.random() < 0.7 else ""

    def query(self):
        r = self.r
        kind = r.randrange(10)
        if kind < 3:
            items = [r.choice([self.number(2), self.string(2), self.boolean(1), r.choice(DATES)]) for _ in range(r.randint(1, 4))]
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


def queries(seed, n):
    gen = Gen(seed)
    return [gen.query() for _ in range(n)]


if __name__ == "__main__":
    print(";\n".join(queries(1, 20)))
