//! What merges and FINAL make of the rows of each engine: the last one, their sum, those whose
//! time is not over. Invariant checked: FINAL shows before a merge what stands after it.

use super::*;

#[test]
fn a_replacing_table_keeps_the_last_of_each_key() {
    let engine = open(&storage(), &small()).unwrap();
    let plain = TableDefinition {
        engine: TableEngine::Replacing {
            version: None,
            is_deleted: None,
        },
        ..definition("t")
    };
    let table = engine.create_table(plain, CreateMode::Fail).unwrap();
    let mut expected = std::collections::BTreeMap::new();
    for round in 0..9u64 {
        let new: Vec<Row> = (0..40 + round * 13)
            .map(|i| ((i * (round + 1)) % 97, format!("{round}-{i}")))
            .collect();
        expected.extend(new.iter().cloned());
        let mut tx = engine.begin();
        tx.insert(&table, block(&new)).unwrap();
        tx.commit().unwrap();
    }
    let expected: Vec<Row> = expected.into_iter().collect();
    same_rows(&read_final(&table), &expected);
    engine.optimize(&table, Some("1"), true).unwrap();
    same_rows(&read_final(&table), &expected);
    engine.optimize(&table, None, true).unwrap();
    same_rows(&read_final(&table), &expected);
    same_rows(&read(&table), &expected);
    let mut aggregating = TableDefinition {
        engine: TableEngine::Aggregating,
        ..definition("s")
    };
    let simple = DataType::SimpleAggregateFunction("sum".into(), Arc::new(DataType::UInt64));
    aggregating.columns.push(ColumnDefinition::new("s", simple));
    let refused = engine.create_table(aggregating, CreateMode::Fail);
    assert_eq!(refused.unwrap_err().code(), Code::NOT_IMPLEMENTED);
}

#[test]
fn versions_and_deletions_decide_what_final_shows() {
    let engine = open(&storage(), &small()).unwrap();
    let mut columns = definition("t").columns;
    columns.push(ColumnDefinition::new("n", DataType::UInt32));
    columns.push(ColumnDefinition::new("gone", DataType::UInt8));
    let versioned = TableDefinition {
        engine: TableEngine::Replacing {
            version: Some("n".into()),
            is_deleted: Some("gone".into()),
        },
        columns,
        ..definition("t")
    };
    let table = engine.create_table(versioned, CreateMode::Fail).unwrap();
    let mut random = Random(3);
    let mut last: std::collections::BTreeMap<u64, (u32, String, u8)> = Default::default();
    for round in 0..12u64 {
        let own: Vec<Row> = (0..5 + round * 9)
            .map(|i| (random.below(60), format!("{round}-{i}")))
            .collect();
        let versions: Vec<u32> = own.iter().map(|_| random.below(50) as u32).collect();
        let gone: Vec<u8> = own.iter().map(|_| u8::from(random.below(4) == 0)).collect();
        for (i, (k, v)) in own.iter().enumerate() {
            let new = (versions[i], v.clone(), gone[i]);
            match last.get(k) {
                Some((version, ..)) if *version > versions[i] => {}
                _ => drop(last.insert(*k, new)),
            }
        }
        let mut cells = block(&own).into_columns();
        cells.extend([Column::native(versions), Column::native(gone)]);
        let mut tx = engine.begin();
        tx.insert(
            &table,
            Block::new(table.stored_schema(), cells, own.len()).unwrap(),
        )
        .unwrap();
        tx.commit().unwrap();
        engine.run_background_once().unwrap();
        let shown = last.iter().filter(|(_, row)| row.2 == 0);
        let shown: Vec<Row> = shown.map(|(k, row)| (*k, row.1.clone())).collect();
        same_rows(&read_final(&table), &shown);
    }
    engine.optimize(&table, None, true).unwrap();
    assert_eq!(read(&table).len(), last.len(), "merges keep deleted rows");
}

#[test]
fn rows_go_when_their_time_is_over() {
    let (storage, clock) = (storage(), Arc::new(TestClock::at(0)));
    let engine = open_at(&storage, &small(), &clock).unwrap();
    let columns = vec![
        ColumnDefinition::new("k", DataType::UInt64),
        ColumnDefinition::new("until", DataType::DateTime(None)),
    ];
    let mortal = TableDefinition {
        ttl: Some("until".into()),
        ..TableDefinition::new("default", "t", columns, "k")
    };
    let table = engine
        .create_table(mortal.clone(), CreateMode::Fail)
        .unwrap();
    for until in [[100u32, 0], [100, 100], [5000, 9000]] {
        let keys = Column::native((0..200u64).collect());
        let times = Column::native((0..200).map(|i| until[i % 2]).collect::<Vec<u32>>());
        let rows = Block::new(table.stored_schema(), vec![keys, times], 200).unwrap();
        let mut tx = engine.begin();
        tx.insert(&table, rows).unwrap();
        tx.commit().unwrap();
    }
    let left = |seconds: i64| {
        clock.advance(seconds * 1_000_000);
        while engine.run_background_once().unwrap() {}
        table.snapshot().rows()
    };
    assert_eq!(left(99), 600);
    assert_eq!(left(1), 400, "a part that is over goes at once");
    assert_eq!(left(60), 300, "half a part is written anew after a while");
    assert_eq!(left(4860 + 500), 200);
    assert_eq!(left(5000), 100, "zero never comes");
    assert_eq!(storage.list("parts").unwrap().len(), 1);
    engine.shutdown().unwrap();
    let engine = open_at(&storage, &small(), &clock).unwrap();
    assert_eq!(engine.table("default", "t").unwrap().snapshot().rows(), 100);
    let wrong = TableDefinition {
        ttl: Some("k".into()),
        name: "u".into(),
        ..mortal
    };
    let refused = engine.create_table(wrong, CreateMode::Fail);
    assert_eq!(refused.unwrap_err().code(), Code::BAD_TTL_EXPRESSION);
}

#[test]
fn a_summing_table_adds_up() {
    let engine = open(&storage(), &small()).unwrap();
    let columns = vec![
        ColumnDefinition::new("k", DataType::UInt64),
        ColumnDefinition::new("n", DataType::Int64),
    ];
    let summing = TableDefinition {
        engine: TableEngine::Summing {
            columns: Vec::new(),
        },
        ..TableDefinition::new("default", "t", columns, "k")
    };
    let table = engine.create_table(summing, CreateMode::Fail).unwrap();
    let mut expected = std::collections::BTreeMap::new();
    let mut random = Random(7);
    for round in 0..8u64 {
        let cells: Vec<(u64, i64)> = (0..30 + round * 20)
            .map(|_| (random.below(40 + round), random.below(100) as i64 - 50))
            .collect();
        cells
            .iter()
            .for_each(|(k, n)| *expected.entry(*k).or_insert(0) += n);
        let keys = Column::native(cells.iter().map(|c| c.0).collect::<Vec<_>>());
        let numbers = Column::native(cells.iter().map(|c| c.1).collect::<Vec<_>>());
        let rows = Block::new(table.stored_schema(), vec![keys, numbers], cells.len()).unwrap();
        let mut tx = engine.begin();
        tx.insert(&table, rows).unwrap();
        tx.commit().unwrap();
        engine.run_background_once().unwrap();
    }
    // A key whose sum is zero goes.
    let zero = expected.iter().next().map(|(k, n)| (*k, -n)).unwrap();
    expected.insert(zero.0, 0);
    let columns = vec![Column::native(vec![zero.0]), Column::native(vec![zero.1])];
    let mut tx = engine.begin();
    tx.insert(
        &table,
        Block::new(table.stored_schema(), columns, 1).unwrap(),
    )
    .unwrap();
    tx.commit().unwrap();
    engine.optimize(&table, None, true).unwrap();
    let snapshot = table.snapshot();
    let part = &snapshot.parts[0];
    let (keys, sums) = (
        part.read(0, 0..part.rows()).unwrap(),
        part.read(1, 0..part.rows()).unwrap(),
    );
    let found = (0..part.rows()).map(|i| {
        (
            keys.value(i).as_u64().unwrap(),
            sums.value(i).as_i64().unwrap(),
        )
    });
    expected.retain(|_, n| *n != 0);
    assert_eq!((snapshot.parts.len(), found.collect()), (1, expected));
}
