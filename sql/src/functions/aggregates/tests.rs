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
