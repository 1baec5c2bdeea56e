//! Answers of ClickHouse, and the laws that every function's states obey.

use roost_engine::column::{Column, ColumnBuilder};
use roost_engine::types::{DataType, Value};

use super::bind_aggregate;

/// A column of text literals' values.
pub(crate) fn column(ty: &str, values: &[Value]) -> (DataType, Column) {
    let ty: DataType = ty.parse().unwrap();
    let mut builder = ColumnBuilder::new(&ty, values.len());
    values.iter().for_each(|v| builder.push(v).unwrap());
    (ty, Column::Flat(builder.finish()))
}

/// The answer over all rows, checked against: two groups, merges, and written states.
pub(crate) fn run(
    name: &str,
    parameters: &[Value],
    args: &[(DataType, Column)],
) -> (String, Value) {
    let types: Vec<DataType> = args.iter().map(|a| a.0.clone()).collect();
    let columns: Vec<Column> = args.iter().map(|a| a.1.clone()).collect();
    let rows = columns.first().map_or(3, Column::len);
    let (aggregate, _) = bind_aggregate(name, parameters, &types).unwrap();
    let ty = aggregate.return_type();

    let mut whole = aggregate.states();
    whole.resize(1);
    whole.update_one(&columns, rows, 0).unwrap();
    let mut state = Vec::new();
    whole.write_state(0, &mut state).unwrap();
    if let Ok(peeked) = whole.peek(0) {
        assert_eq!(
            format!("{peeked:?}"),
            format!("{:?}", clone_of(&aggregate, &state)),
            "peek of {name}"
        );
    }
    let answer = whole.finish().unwrap();
    answer.check(&ty).unwrap();
    let answer = answer.value(0);

    // Rows split over two states (first half, second half) with other group numbers, then merged.
    let half = rows / 2;
    let (mut a, mut b) = (aggregate.states(), aggregate.states());
    a.resize(2);
    b.resize(3);
    let first: Vec<Column> = columns.iter().map(|c| c.slice(0, half)).collect();
    let second: Vec<Column> = columns.iter().map(|c| c.slice(half, rows - half)).collect();
    a.update(&first, &vec![1; half]).unwrap();
    b.update(&second, &vec![2; rows - half]).unwrap();
    a.merge(b.as_ref(), &[0, 0, 1]).unwrap();
    let merged = a.finish().unwrap();
    merged.check(&ty).unwrap();
    assert_eq!(
        format!("{:?}", merged.value(1)),
        format!("{answer:?}"),
        "merge of {name}"
    );

    // Hostile bytes give errors.
    for cut in 0..state.len() {
        let mut broken = aggregate.states();
        broken.resize(1);
        let _ = broken.merge_state(0, &state[..cut]);
        let mut flipped = state.clone();
        flipped[cut] ^= 0x81;
        let _ = broken.merge_state(0, &flipped);
    }
    (ty.to_string(), answer)
}

fn clone_of(aggregate: &std::sync::Arc<dyn crate::functions::Aggregate>, state: &[u8]) -> Value {
    let mut states = aggregate.states();
    states.resize(1);
    states.merge_state(0, state).unwrap();
    states.finish().unwrap().value(0)
}

fn uints(values: &[u64]) -> Vec<Value> {
    values.iter().map(|v| Value::UInt(*v)).collect()
}

#[test]
fn core_functions_agree_with_clickhouse() {
    let x = column("UInt8", &uints(&[255, 255, 3]));
    assert_eq!(
        run("sum", &[], std::slice::from_ref(&x)),
        ("UInt64".into(), Value::UInt(513))
    );
    assert_eq!(run("COUNT", &[], &[]), ("UInt64".into(), Value::UInt(3)));
    assert_eq!(
        run("min", &[], std::slice::from_ref(&x)),
        ("UInt8".into(), Value::UInt(3))
    );
    assert_eq!(
        run("any", &[], std::slice::from_ref(&x)),
        ("UInt8".into(), Value::UInt(255))
    );
    assert_eq!(
        run("anyLast", &[], std::slice::from_ref(&x)),
        ("UInt8".into(), Value::UInt(3))
    );
    assert_eq!(
        run("sumIf", &[], &[x.clone(), x.clone()]).1,
        Value::UInt(513)
    );
}

#[test]
fn nulls_are_skipped() {
    let x = column(
        "Nullable(UInt8)",
        &[Value::Null, Value::UInt(1), Value::UInt(2), Value::Null],
    );
    assert_eq!(
        run("sum", &[], std::slice::from_ref(&x)),
        ("Nullable(UInt64)".into(), Value::UInt(3))
    );
    assert_eq!(
        run("count", &[], std::slice::from_ref(&x)),
        ("UInt64".into(), Value::UInt(2))
    );
    assert_eq!(run("any", &[], std::slice::from_ref(&x)).1, Value::UInt(1));
    assert_eq!(
        run("any_respect_nulls", &[], std::slice::from_ref(&x)).1,
        Value::Null
    );
    let none = column("Nullable(UInt8)", &[Value::Null]);
    assert_eq!(run("sum", &[], std::slice::from_ref(&none)).1, Value::Null);
    assert_eq!(run("sumIf", &[], &[none.clone(), none]).1, Value::Null);
}

/// `number` of `numbers(n)` through `f`.
fn numbers(ty: &str, n: u64, f: impl Fn(u64) -> Value) -> (DataType, Column) {
    column(ty, &(0..n).map(f).collect::<Vec<_>>())
}

fn float(name: &str, parameters: &[Value], args: &[(DataType, Column)]) -> f64 {
    match run(name, parameters, args).1 {
        Value::Float(v) => v,
        other => panic!("{name} answered {other:?}"),
    }
}

fn level(l: f64) -> Vec<Value> {
    vec![Value::Float(l)]
}

/// The answer without the checks of [`run`], for many rows.
fn quick(name: &str, parameters: &[Value], args: &[(DataType, Column)]) -> Value {
    let types: Vec<DataType> = args.iter().map(|a| a.0.clone()).collect();
    let columns: Vec<Column> = args.iter().map(|a| a.1.clone()).collect();
    let mut states = bind_aggregate(name, parameters, &types).unwrap().0.states();
    states.resize(1);
    states.update_one(&columns, columns[0].len(), 0).unwrap();
    states.finish().unwrap().value(0)
}

#[test]
fn uniq_answers_what_clickhouse_answers() {
    let n = |n: u64| Value::UInt(n);
    assert_eq!(quick("uniq", &[], &[numbers("UInt64", 65537, n)]), n(65824));
    assert_eq!(quick("uniq", &[], &[numbers("UInt64", 10000, n)]), n(10000));
    let signed = numbers("Int32", 100_000, |i| Value::Int(i as i64 - 50000));
    assert_eq!(quick("uniq", &[], &[signed]), n(100_523));
    let floats = numbers("Float64", 100_000, |i| Value::Float(i as f64));
    assert_eq!(quick("uniq", &[], &[floats]), n(100_098));
    let wide = numbers("Int128", 100_000, |i| Value::Int128(i.into()));
    assert_eq!(quick("uniq", &[], &[wide]), n(100_517));
    let fixed = numbers("FixedString(6)", 100_000, |i| Value::string(i.to_string()));
    assert_eq!(quick("uniq", &[], &[fixed]), n(99_874));
    let pair = [
        numbers("UInt8", 100_000, |i| n(i % 3)),
        numbers("UInt64", 100_000, n),
    ];
    assert_eq!(quick("uniqExact", &[], &pair), n(100_000));
    for (name, error) in [
        ("uniqCombined", 0.01),
        ("uniqCombined64", 0.01),
        ("uniqHLL12", 0.05),
    ] {
        let found = quick(name, &[], &[numbers("UInt64", 100_000, n)])
            .as_f64()
            .unwrap();
        assert!((found / 100_000.0 - 1.0).abs() < error, "{name}: {found}");
    }
}

#[test]
fn uniq_states_merge() {
    for name in [
        "uniq",
        "uniqExact",
        "uniqCombined",
        "uniqHLL12",
        "groupUniqArray",
    ] {
        run(name, &[], &[numbers("UInt64", 60, |i| Value::UInt(i % 23))]);
        run(
            name,
            &[],
            &[numbers("String", 20, |i| {
                Value::string((i % 7).to_string())
            })],
        );
    }
    run(
        "uniqExact",
        &[],
        &[numbers("Array(UInt8)", 20, |i| {
            Value::Array(vec![Value::UInt(i % 7)])
        })],
    );
}

#[test]
fn quantiles_answer_what_clickhouse_answers() {
    let ten = || numbers("UInt32", 10, Value::UInt);
    assert_eq!(float("quantile", &level(0.5), &[ten()]), 4.5);
    assert_eq!(float("quantileBFloat16", &[], &[ten()]), 4.0);
    assert_eq!(
        run("quantileExact", &[], &[ten()]),
        ("UInt32".into(), Value::UInt(5))
    );
    assert_eq!(run("quantileExactLow", &[], &[ten()]).1, Value::UInt(4));
    assert_eq!(run("quantileExactHigh", &[], &[ten()]).1, Value::UInt(5));
    assert_eq!(
        run("quantileExactLow", &level(0.25), &[ten()]).1,
        Value::UInt(2)
    );
    assert_eq!(
        float("quantileExactExclusive", &level(0.25), &[ten()]),
        1.75
    );
    assert_eq!(
        float("quantileExactInclusive", &level(0.25), &[ten()]),
        2.25
    );
    assert_eq!(float("quantileTDigest", &[], &[ten()]), 4.0);
    assert_eq!(float("quantileDeterministic", &[], &[ten(), ten()]), 4.5);
    let twenty = [
        numbers("UInt64", 20, Value::UInt),
        numbers("UInt8", 20, |i| Value::UInt(i % 3)),
    ];
    let levels: Vec<Value> = [0.1, 0.5, 0.9].map(Value::Float).into();
    let answer = Value::Array([2, 10, 17].map(Value::UInt).into());
    assert_eq!(
        run("quantilesExactWeighted", &levels, &twenty),
        ("Array(UInt64)".into(), answer)
    );
    let dates = column(
        "DateTime('UTC')",
        &(0..10).map(Value::UInt).collect::<Vec<_>>(),
    );
    assert_eq!(
        run("quantile", &[], &[dates]),
        ("DateTime('UTC')".into(), Value::UInt(4))
    );
    let nans = column("Float64", &[f64::NAN, 1.0, 2.0].map(Value::Float));
    assert_eq!(
        float("quantile", &level(0.9), std::slice::from_ref(&nans)),
        1.9
    );
    assert_eq!(float("quantileExact", &level(0.3), &[nans]), 1.0);
    let none = || column("Int64", &[]);
    assert!(matches!(quick("quantile", &[], &[none()]), Value::Float(v) if v.is_nan()));
    assert_eq!(quick("quantileExact", &[], &[none()]), Value::Int(0));
}

#[test]
fn quantile_sketches_of_many_rows_answer_what_clickhouse_answers() {
    let n = |n| numbers("UInt64", n, Value::UInt);
    let timing = |l: f64| quick("quantileTiming", &level(l), &[n(40_000)]);
    assert_eq!(timing(0.9), Value::Float(30_000.0));
    assert_eq!(timing(0.1), Value::Float(3977.0));
    assert_eq!(timing(0.5), Value::Float(19_989.0));
    let digest = |l: f64| quick("quantileTDigest", &level(l), &[n(10_000)]);
    assert_eq!(digest(0.9), Value::Float(8999.5));
    assert_eq!(digest(0.1), Value::Float(999.5));
    let deterministic = quick(
        "quantileDeterministic",
        &level(0.9),
        &[n(100_000), n(100_000)],
    );
    assert!(
        (deterministic.as_f64().unwrap() - 89728.6).abs() < 1e-6,
        "{deterministic:?}"
    );
    let reservoir = quick("quantile", &level(0.9), &[n(100_000)])
        .as_f64()
        .unwrap();
    assert!((reservoir / 90_000.0 - 1.0).abs() < 0.02, "{reservoir}");
}

#[test]
fn moments_answer_what_clickhouse_answers() {
    let x = || numbers("UInt8", 7, Value::UInt);
    assert_eq!(float("stddevPop", &[], &[x()]), 2.0);
    assert_eq!(float("VAR_SAMP", &[], &[x()]), 4.666666666666667);
    assert_eq!(float("covarSamp", &[], &[x(), x()]), 4.666666666666667);
    assert_eq!(float("corr", &[], &[x(), x()]), 1.0);
    assert_eq!(float("kurtSamp", &[], &[x()]), 1.2857142857142854);
    let d = || column("Decimal(9, 2)", &[100, 500, 200].map(Value::Int));
    assert_eq!(float("skewSamp", &[], &[d()]), 0.2874095068296433);
    assert_eq!(float("kurtSamp", &[], &[d()]), 0.6666666666666663);
    assert_eq!(float("avg", &[], &[d()]), 8.0 / 3.0);
    let singles = numbers("Float32", 7, |i| Value::Float(i as f64));
    assert_eq!(run("stddevPop", &[], &[singles]).0, "Float32");
    assert!(
        quick("stddevSamp", &[], &[column("UInt8", &uints(&[1]))])
            .as_f64()
            .unwrap()
            .is_nan()
    );
}

#[test]
fn arrays_answer_what_clickhouse_answers() {
    let x = || numbers("UInt8", 4, Value::UInt);
    let list = |v: &[u64]| Value::Array(uints(v));
    let two = [Value::UInt(2)];
    assert_eq!(
        run("groupArray", &[], &[x()]),
        ("Array(UInt8)".into(), list(&[0, 1, 2, 3]))
    );
    assert_eq!(run("groupArray", &two, &[x()]).1, list(&[0, 1]));
    assert_eq!(run("groupArrayLast", &two, &[x()]).1, list(&[2, 3]));
    assert_eq!(run("groupArraySorted", &two, &[x()]).1, list(&[0, 1]));
    assert_eq!(
        run("groupArrayInsertAt", &[], &[x(), x()]).1,
        list(&[0, 1, 2, 3])
    );
    assert_eq!(
        run("groupBitXor", &[], &[x()]),
        ("UInt8".into(), Value::UInt(0))
    );
    let s = column(
        "Nullable(String)",
        &[Value::string("b"), Value::Null, Value::string("a")],
    );
    let answer = Value::Array(vec![Value::string("b"), Value::string("a")]);
    assert_eq!(
        run("groupArray", &[], std::slice::from_ref(&s)),
        ("Array(String)".into(), answer)
    );
    assert_eq!(
        run("argMin", &[], &[s.clone(), s.clone()]).1,
        Value::string("a")
    );
    assert_eq!(run("argMax", &[], &[s.clone(), s]).1, Value::string("b"));
}

#[test]
fn nan_loses_in_min_and_max() {
    let x = column("Float64", &[f64::NAN, 1.0, 2.0].map(Value::Float));
    let y = column("UInt8", &uints(&[1, 2, 3]));
    assert_eq!(float("min", &[], std::slice::from_ref(&x)), 1.0);
    assert_eq!(float("max", &[], std::slice::from_ref(&x)), 2.0);
    assert_eq!(
        run("argMin", &[], &[y.clone(), x.clone()]).1,
        Value::UInt(2)
    );
    assert_eq!(run("argMax", &[], &[y, x]).1, Value::UInt(3));
}

fn arrays(ty: &str, rows: &[&[u64]]) -> (DataType, Column) {
    column(
        ty,
        &rows
            .iter()
            .map(|r| Value::Array(uints(r)))
            .collect::<Vec<_>>(),
    )
}

fn list(values: &[u64]) -> Value {
    Value::Array(uints(values))
}

#[test]
fn combinators_answer_what_clickhouse_answers() {
    let x = || arrays("Array(UInt8)", &[&[1, 2], &[2, 3, 4]]);
    assert_eq!(
        run("sumForEach", &[], &[x()]),
        ("Array(UInt64)".into(), list(&[3, 5, 4]))
    );
    assert_eq!(run("countForEach", &[], &[x()]).1, list(&[2, 2, 1]));
    assert_eq!(
        run("sumArray", &[], &[x()]),
        ("UInt64".into(), Value::UInt(12))
    );
    assert_eq!(run("uniqArray", &[], &[x()]).1, Value::UInt(4));
    assert_eq!(
        run("groupUniqArrayArray", &[], &[x()]).1,
        list(&[1, 2, 3, 4])
    );
    let y = || column("UInt8", &uints(&[1, 1, 2]));
    assert_eq!(run("sumDistinct", &[], &[y()]).1, Value::UInt(3));
    assert_eq!(run("countDistinct", &[], &[y()]).1, Value::UInt(2));
    assert_eq!(float("avgDistinct", &[], &[y()]), 1.5);
    let keyed = [
        column("UInt8", &uints(&[1, 2, 3])),
        column("UInt8", &uints(&[1, 1, 5])),
    ];
    assert_eq!(run("sumArgMin", &[], &keyed).1, Value::UInt(3));
    assert_eq!(run("sumArgMax", &[], &keyed).1, Value::UInt(3));
    let places = [
        column("UInt8", &uints(&[1, 2, 3])),
        column("UInt8", &uints(&[1, 7, 20])),
    ];
    let range = [0, 10, 5].map(Value::UInt);
    assert_eq!(
        run("sumResample", &range, &places),
        ("Array(UInt64)".into(), list(&[1, 2]))
    );
}

#[test]
fn groups_without_rows_answer_null_or_default() {
    let none = || column("UInt8", &[]);
    assert_eq!(
        run("sumOrNull", &[], &[none()]),
        ("Nullable(UInt64)".into(), Value::Null)
    );
    assert_eq!(
        run("sumOrDefault", &[], &[none()]),
        ("UInt64".into(), Value::UInt(0))
    );
    assert_eq!(float("avgOrDefault", &[], &[none()]), 0.0);
    let null = column("Nullable(UInt8)", &[Value::Null]);
    assert_eq!(
        run("sumOrDefault", &[], &[null]),
        ("Nullable(UInt64)".into(), Value::Null)
    );
    let x = || column("UInt8", &uints(&[0, 1, 2]));
    let no = || column("UInt8", &uints(&[0, 0, 0]));
    assert_eq!(run("sumIfOrNull", &[], &[x(), no()]).1, Value::Null);
    assert_eq!(run("sumOrNullIf", &[], &[x(), no()]).1, Value::Null);
    assert_eq!(run("countIfOrNull", &[], &[no()]).1, Value::UInt(0));
}

#[test]
fn states_merge_into_answers() {
    for (name, args) in [
        ("sum", vec![column("UInt8", &uints(&[1, 2]))]),
        (
            "uniq",
            vec![column(
                "Nullable(String)",
                &[Value::string("a"), Value::Null],
            )],
        ),
        ("quantiles", vec![column("UInt8", &uints(&[1, 2]))]),
        (
            "avgIf",
            vec![
                column("UInt8", &uints(&[1, 2])),
                column("UInt8", &uints(&[1, 1])),
            ],
        ),
    ] {
        let parameters = if name == "quantiles" {
            vec![Value::Float(0.5), Value::Float(0.9)]
        } else {
            vec![]
        };
        let expected = run(name, &parameters, &args);
        let (ty, state) = run(&format!("{name}State"), &parameters, &args);
        let merged = run(
            &format!("{name}Merge"),
            &parameters,
            &[column(&ty, std::slice::from_ref(&state))],
        );
        assert_eq!(merged, expected, "{ty}");
        assert_eq!(
            run(
                &format!("{name}MergeState"),
                &parameters,
                &[column(&ty, &[state])]
            )
            .0,
            ty
        );
    }
    let types = [DataType::UInt8];
    let (state, _) = bind_aggregate("quantilesState", &level(0.5), &types).unwrap();
    assert_eq!(
        state.return_type().to_string(),
        "AggregateFunction(quantiles(0.5), UInt8)"
    );
    let (simple, _) = bind_aggregate("sumSimpleState", &[], &types).unwrap();
    assert_eq!(
        simple.return_type().to_string(),
        "SimpleAggregateFunction(sum, UInt64)"
    );
}

#[test]
fn maps_answer_what_clickhouse_answers() {
    let lists = [
        arrays("Array(UInt8)", &[&[1, 2], &[2, 3]]),
        arrays("Array(UInt8)", &[&[3, 4], &[250, 1]]),
    ];
    let answer = Value::Tuple(vec![list(&[1, 2, 3]), list(&[3, 254, 1])]);
    assert_eq!(
        run("sumMap", &[], &lists),
        ("Tuple(Array(UInt8), Array(UInt64))".into(), answer)
    );
    let answer = Value::Tuple(vec![list(&[1, 2, 3]), list(&[3, 250, 1])]);
    assert_eq!(run("maxMap", &[], &lists).1, answer);
    let zeros = [
        arrays("Array(UInt8)", &[&[1, 2]]),
        arrays("Array(UInt8)", &[&[0, 3]]),
    ];
    assert_eq!(
        run("sumMap", &[], &zeros).1,
        Value::Tuple(vec![list(&[2]), list(&[3])])
    );
    assert_eq!(
        run("minMap", &[], &zeros).1,
        Value::Tuple(vec![list(&[1, 2]), list(&[0, 3])])
    );
    let entry = |k: &str, v: u64| (Value::string(k), Value::UInt(v));
    let maps = column(
        "Map(String, UInt8)",
        &[
            Value::Map(vec![entry("a", 1)]),
            Value::Map(vec![entry("b", 2), entry("a", 3)]),
        ],
    );
    let pair = |k: &str, v: u64| Value::Tuple(vec![Value::string(k), Value::UInt(v)]);
    let answer = Value::Array(vec![pair("a", 4), pair("b", 2)]);
    assert_eq!(
        run("sumMap", &[], std::slice::from_ref(&maps)),
        ("Map(String, UInt64)".into(), answer)
    );
    assert_eq!(
        run("avgMap", &[], std::slice::from_ref(&maps)).0,
        "Map(String, Float64)"
    );
    assert_eq!(
        run("countMap", &[], &[maps]).1,
        Value::Array(vec![pair("a", 2), pair("b", 1)])
    );
}

#[test]
fn sequences_answer_what_clickhouse_answers() {
    let events = |rows: &[(u64, u64)], steps: &[u64]| {
        let mut args = vec![column(
            "DateTime",
            &uints(&rows.iter().map(|r| r.0).collect::<Vec<_>>()),
        )];
        for step in steps {
            let met: Vec<u64> = rows.iter().map(|r| u64::from(r.1 == *step)).collect();
            args.push(column("UInt8", &uints(&met)));
        }
        args
    };
    let funnel = |window: u64, mode: &str, rows: &[(u64, u64)]| {
        let mut parameters = vec![Value::UInt(window)];
        parameters.extend((!mode.is_empty()).then(|| Value::string(mode)));
        quick("windowFunnel", &parameters, &events(rows, &[1, 2, 3]))
            .as_u64()
            .unwrap()
    };
    assert_eq!(funnel(3, "", &[(1, 1), (3, 2), (5, 3)]), 2);
    assert_eq!(funnel(3, "strict_increase", &[(1, 1), (1, 2), (3, 3)]), 1);
    assert_eq!(funnel(10, "", &[(1, 2), (2, 1), (3, 3), (4, 2), (5, 3)]), 3);
    assert_eq!(
        funnel(
            10,
            "strict_deduplication",
            &[(1, 1), (2, 2), (3, 2), (4, 3)]
        ),
        2
    );
    assert_eq!(
        funnel(10, "strict_order", &[(1, 1), (2, 2), (3, 1), (4, 3)]),
        3
    );
    assert_eq!(
        funnel(10, "strict_order", &[(1, 1), (2, 9), (3, 2), (4, 3)]),
        1
    );
    let sequence = |name: &str, pattern: &str, rows: &[(u64, u64)]| {
        quick(name, &[Value::string(pattern)], &events(rows, &[1, 2]))
            .as_u64()
            .unwrap()
    };
    let rows = [(1, 1), (2, 3), (4, 2)];
    assert_eq!(sequence("sequenceMatch", "(?1)(?2)", &rows), 1);
    assert_eq!(sequence("sequenceMatch", "(?1).(?2)", &rows), 0);
    assert_eq!(sequence("sequenceMatch", "(?1).*(?2)", &rows), 1);
    assert_eq!(sequence("sequenceMatch", "(?1)(?t<=1)(?2)", &rows), 0);
    let rows = [(1, 1), (2, 3), (4, 2), (5, 1), (6, 2)];
    assert_eq!(sequence("sequenceCount", "(?1).*(?2)", &rows), 2);
    let conditions = events(&[(1, 1), (2, 2)], &[1, 2, 3]);
    assert_eq!(run("retention", &[], &conditions[1..]).1, list(&[1, 1, 0]));
}

#[test]
fn other_functions_answer_what_clickhouse_answers() {
    let x = || column("UInt8", &uints(&[1, 3, 2, 5]));
    let y = || column("UInt8", &uints(&[2, 4, 6, 7]));
    assert_eq!(
        run("deltaSum", &[], &[x()]),
        ("UInt8".into(), Value::UInt(5))
    );
    assert_eq!(float("boundingRatio", &[], &[x(), y()]), 1.25);
    assert_eq!(float("entropy", &[], &[x()]), 2.0);
    let line = Value::Tuple(vec![Value::Float(1.0), Value::Float(2.0)]);
    assert_eq!(run("simpleLinearRegression", &[], &[x(), y()]).1, line);
    let average = quick(
        "exponentialMovingAverage",
        &[Value::UInt(5)],
        &[
            column("Float64", &[1.0, 2.0, 5.0].map(Value::Float)),
            column("UInt32", &uints(&[0, 1, 3])),
        ],
    );
    assert_eq!(average, Value::Float(0.9288606171448128));
    let s = |rows: &[&str]| {
        column(
            "String",
            &rows.iter().map(|t| Value::string(*t)).collect::<Vec<_>>(),
        )
    };
    let top = Value::Array(vec![
        Value::string("a"),
        Value::string("b"),
        Value::string("c"),
    ]);
    assert_eq!(
        run("topK", &[Value::UInt(3)], &[s(&["a", "b", "c", "a"])]).1,
        top
    );
    assert_eq!(
        run("singleValueOrNull", &[], &[x()]),
        ("Nullable(UInt8)".into(), Value::Null)
    );
    assert_eq!(
        run(
            "anyHeavy",
            &[],
            &[column("UInt8", &uints(&[5, 3, 3, 3, 1]))]
        )
        .1,
        Value::UInt(3)
    );
    assert_eq!(
        run("groupConcat", &[Value::string(",")], &[x()]).1,
        Value::string("1,3,2,5")
    );
    assert_eq!(
        run("groupBitmap", &[], &[x()]),
        ("UInt8".into(), Value::UInt(4))
    );
    assert_eq!(run("uniqUpTo", &[Value::UInt(2)], &[x()]).1, Value::UInt(3));
    let i = || column("Int32", &[1, 5, 2, 7].map(Value::Int));
    let ints = |v: &[i64]| Value::Array(v.iter().map(|v| Value::Int(*v)).collect());
    assert_eq!(
        run("groupArrayMovingSum", &[Value::UInt(2)], &[i()]).1,
        ints(&[1, 6, 7, 9])
    );
    let floats = Value::Array([0.25, 1.5, 2.0, 3.75].map(Value::Float).into());
    assert_eq!(
        run("groupArrayMovingAvg", &[], &[i()]),
        ("Array(Float64)".into(), floats)
    );
    assert_eq!(
        float(
            "sumKahan",
            &[],
            &[column("Float64", &vec![Value::Float(0.1); 10])]
        ),
        1.0
    );
}

#[test]
fn errors_carry_clickhouses_codes() {
    let code = |name: &str, parameters: &[Value], types: &[DataType]| {
        bind_aggregate(name, parameters, types).unwrap_err().code() as u16
    };
    let u8s = [DataType::UInt8];
    assert_eq!(code("nosuch", &[], &u8s), 63);
    assert_eq!(code("sum", &[], &[DataType::String]), 43);
    assert_eq!(code("sum", &[], &[]), 42);
    assert_eq!(code("sum", &[Value::UInt(1)], &u8s), 133);
    assert_eq!(
        code(
            "sequenceMatch",
            &[Value::string("(?3)")],
            &[DataType::UInt32, DataType::UInt8]
        ),
        36
    );
    assert_eq!(code("sumMerge", &[], &u8s), 43);
}
