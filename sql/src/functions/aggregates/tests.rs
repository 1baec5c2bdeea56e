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
        run("sum", &[], &[x.clone()]),
        ("UInt64".into(), Value::UInt(513))
    );
    assert_eq!(run("COUNT", &[], &[]), ("UInt64".into(), Value::UInt(3)));
    assert_eq!(
        run("min", &[], &[x.clone()]),
        ("UInt8".into(), Value::UInt(3))
    );
    assert_eq!(
        run("any", &[], &[x.clone()]),
        ("UInt8".into(), Value::UInt(255))
    );
    assert_eq!(
        run("anyLast", &[], &[x.clone()]),
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
        run("sum", &[], &[x.clone()]),
        ("Nullable(UInt64)".into(), Value::UInt(3))
    );
    assert_eq!(
        run("count", &[], &[x.clone()]),
        ("UInt64".into(), Value::UInt(2))
    );
    assert_eq!(run("any", &[], &[x.clone()]).1, Value::UInt(1));
    assert_eq!(run("any_respect_nulls", &[], &[x.clone()]).1, Value::Null);
    let none = column("Nullable(UInt8)", &[Value::Null]);
    assert_eq!(run("sum", &[], &[none.clone()]).1, Value::Null);
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
    assert_eq!(quick("uniq", &[], &pair), n(100_289));
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
    assert_eq!(float("quantile", &level(0.9), &[nans.clone()]), 1.9);
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
        run("groupArray", &[], &[s.clone()]),
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
    assert_eq!(float("min", &[], &[x.clone()]), 1.0);
    assert_eq!(float("max", &[], &[x.clone()]), 2.0);
    assert_eq!(
        run("argMin", &[], &[y.clone(), x.clone()]).1,
        Value::UInt(2)
    );
    assert_eq!(run("argMax", &[], &[y, x]).1, Value::UInt(3));
}
