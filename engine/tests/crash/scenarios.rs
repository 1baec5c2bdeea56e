//! What is done to the store while its power may go.
//!
//! Invariant: a scenario does the same each time, so that its calls can be counted.

use super::run::*;
use super::support::*;
use roost_engine::catalog::{Attach, ColumnDefinition, CreateMode, Engine, NewBranch, Rewrite};
use roost_engine::error::{Code, Result};
use roost_engine::types::DataType;

pub(crate) type Scenario = (&'static str, fn(&mut Run) -> Result<()>);

pub(crate) const SCENARIOS: &[Scenario] = &[
    ("insert", |run| {
        run.create("t")?;
        for (i, n) in [1, 5, 200, 3, 60, 170].into_iter().enumerate() {
            run.insert(&[("t", rows(i as u64, n, "i"))], None)?;
        }
        Ok(())
    }),
    ("cascade", |run| {
        ["base", "view", "other"]
            .iter()
            .try_for_each(|t| run.create(t))?;
        for i in 0..4u64 {
            let targets = [
                ("base", rows(i, 4 + i * 60, "b")),
                ("view", rows(i, 2, "v")),
                ("other", rows(i, 100, "o")),
            ];
            run.insert(&targets, Some(&format!("c{i}")))?;
        }
        Ok(())
    }),
    ("cursor", |run| {
        ["base", "aside"].iter().try_for_each(|t| run.create(t))?;
        for i in 0..5u8 {
            let read = rows(u64::from(i), 3 + u64::from(i) * 45, "read");
            let aside = rows(u64::from(i), u64::from(i % 2), "aside");
            let (base, other) = (run.table("base")?, run.table("aside")?);
            let (from, to) = (run.engine().get("cursor"), vec![i]);
            let step = |e: &Engine| {
                let mut tx = e.begin();
                tx.insert(&base, block(&read))?;
                tx.insert(&other, block(&aside))?;
                tx.advance("cursor", from.clone(), Some(to.clone()));
                tx.commit().map(|_| ())
            };
            let happened = |w: &mut World| {
                for (table, rows) in [("default.base", &read), ("default.aside", &aside)] {
                    let all = w.tables.entry(table.into()).or_default();
                    all.extend(rows.iter().cloned());
                    all.sort();
                }
                w.values.insert("cursor".into(), to.clone());
            };
            run.act(&happened, step)?;
            // Who read the same once more comes too late.
            run.keep(|e| match e.get("cursor") == Some(to.clone()) {
                true => match step(e) {
                    Err(late) if late.code() == Code::ABORTED => Ok(()),
                    Err(e) => Err(e),
                    Ok(()) => panic!("the same was written twice"),
                },
                false => Ok(()),
            })?;
            if i == 2 {
                run.keep(Engine::checkpoint)?;
                run.reopen(true)?;
            }
        }
        Ok(())
    }),
    ("flush", |run| {
        run.create("t")?;
        for i in 0..6 {
            run.insert(&[("t", rows(i, 9, "i"))], None)?;
            if i % 2 == 1 {
                run.keep(Engine::flush)?;
            }
        }
        run.clock.advance(60_000_000);
        run.background()?;
        run.insert(&[("t", rows(0, 2, "last"))], None)
    }),
    ("merge", |run| {
        run.create("t")?;
        for i in 0..4 {
            run.insert(&[("t", rows(i, 160, "i"))], None)?;
            run.background()?;
        }
        let table = run.table("t")?;
        run.keep(|e| e.optimize(&table, Some("1"), true))?;
        run.insert(&[("t", rows(0, 2, "last"))], None)?;
        run.keep(|e| e.optimize(&table, None, true))
    }),
    ("ddl", |run| {
        run.act(&|w| w.databases.push("other".into()), |e| {
            e.create_database("other", false)
        })?;
        ["a", "b"].iter().try_for_each(|t| run.create(t))?;
        run.insert(&[("a", rows(0, 5, "a")), ("b", rows(0, 170, "b"))], None)?;
        let name = |n: &str| ("default".to_string(), n.to_string());
        run.act(
            &|w| {
                let a = w.tables.remove("default.a").unwrap_or_default();
                if let Some(b) = w.tables.insert("default.a".into(), Vec::new()) {
                    unreachable!("{b:?}");
                }
                let b = w.tables.insert("default.b".into(), a).unwrap_or_default();
                w.tables.insert("default.a".into(), b);
            },
            |e| e.exchange(&name("a"), &name("b")),
        )?;
        run.act(
            &|w| {
                let a = w.tables.remove("default.a").unwrap_or_default();
                w.tables.insert("other.c".into(), a);
            },
            |e| e.rename(&[(name("a"), ("other".into(), "c".into()))]),
        )?;
        run.create("b")?;
        run.insert(&[("b", rows(9, 3, "new"))], None)?;
        run.act(
            &|w| {
                w.tables.remove("default.b");
            },
            |e| e.drop_table("default", "b"),
        )?;
        run.act(
            &|w| {
                w.tables.remove("other.c");
                w.databases.retain(|d| d != "other");
            },
            |e| e.drop_database("other", false),
        )
    }),
    ("checkpoint", |run| {
        run.create("t")?;
        for i in 0..5u8 {
            run.insert(
                &[("t", rows(i.into(), 7 + u64::from(i) * 40, "i"))],
                Some(&format!("t{i}")),
            )?;
            run.act(
                &|w| {
                    w.values.insert("k".into(), vec![i]);
                },
                |e| {
                    let mut tx = e.begin();
                    tx.put("k", Some(vec![i]));
                    tx.commit().map(|_| ())
                },
            )?;
            run.keep(Engine::checkpoint)?;
        }
        run.reopen(true)?;
        run.insert(&[("t", rows(0, 7, "again"))], Some("t2"))?;
        run.insert(&[("t", rows(50, 7, "last"))], None)
    }),
    ("replace", |run| {
        run.create("t")?;
        run.insert(&[("t", rows(0, 9, "old"))], None)?;
        for n in [170, 5, 0] {
            let mut new = rows(0, n, "new");
            new.sort();
            let table = run.table("t")?;
            run.insert(&[("t", rows(0, 200, "old"))], None)?;
            run.act(
                &|w| {
                    w.tables.insert("default.t".into(), new.clone());
                },
                |e| {
                    let mut tx = e.begin();
                    tx.replace(&table, vec![block(&new)])?;
                    tx.commit().map(|_| ())
                },
            )?;
        }
        run.insert(&[("t", rows(0, 200, "last"))], None)?;
        let table = run.table("t")?;
        run.act(
            &|w| {
                if let Some(t) = w.tables.get_mut("default.t") {
                    t.retain(|r| r.0 % 3 != 2);
                }
            },
            |e| {
                let mut tx = e.begin();
                tx.drop_partition(&table, "2");
                tx.commit().map(|_| ())
            },
        )
    }),
    ("held", |run| {
        ["t", "view"].iter().try_for_each(|t| run.create(t))?;
        run.insert(
            &[("t", rows(0, 200, "old")), ("t", rows(0, 9, "old"))],
            None,
        )?;
        for (round, n) in [170, 5, 0].into_iter().enumerate() {
            let (table, view) = (run.table("t")?, run.table("view")?);
            let hold = run.engine().hold(&table, &mut || Ok(()))?;
            let came = rows(500 + 40 * round as u64, 40, "meanwhile");
            run.insert(&[("t", came.clone())], None)?;
            run.background()?;
            let (new, seen) = (rows(0, n, "new"), rows(round as u64, 3, "seen"));
            run.act(
                &|w| {
                    if let Some(t) = w.tables.get_mut("default.t") {
                        t.retain(|r| came.contains(r));
                        t.extend(new.iter().cloned());
                        t.sort();
                    }
                    if let Some(view) = w.tables.get_mut("default.view") {
                        view.extend(seen.iter().cloned());
                        view.sort();
                    }
                    w.values.insert("job".into(), vec![round as u8]);
                },
                |e| {
                    let mut tx = e.begin();
                    tx.replace_held(&hold);
                    tx.insert(&table, block(&new))?;
                    tx.insert(&view, block(&seen))?;
                    tx.put("job", Some(vec![round as u8]));
                    tx.commit().map(|_| ())
                },
            )?;
        }
        run.reopen(true)
    }),
    ("tokens", |run| {
        run.create("t")?;
        for i in 0..5u64 {
            let token = format!("t{}", i % 3);
            run.insert(&[("t", rows(i % 3, 2 + (i % 3) * 90, "i"))], Some(&token))?;
            run.reopen(i % 2 == 0)?;
        }
        Ok(())
    }),
    ("alter", |run| {
        run.create("t")?;
        run.insert(
            &[("t", rows(0, 170, "old")), ("t", rows(0, 2, "old"))],
            None,
        )?;
        let table = run.table("t")?;
        let mut wide = table.definition().as_ref().clone();
        wide.columns
            .insert(1, ColumnDefinition::new("n", DataType::UInt8));
        run.keep(|e| e.alter(&table, wide))?;
        run.keep(Engine::checkpoint)?;
        run.reopen(false)?;
        let table = run.table("t")?;
        run.keep(|e| e.optimize(&table, None, true))
    }),
    ("rewrite", |run| {
        run.create("t")?;
        run.insert(
            &[("t", rows(0, 170, "old")), ("t", rows(0, 2, "old"))],
            None,
        )?;
        run.insert(&[("t", rows(5, 8, "few"))], None)?;
        for round in 0..3u64 {
            let table = run.table("t")?;
            let change = Rewrite {
                definition: None,
                touches: &|_| Ok(true),
                rows: &|b| {
                    let keys = b.column(0).clone();
                    let keep = (0..b.rows() as u32)
                        .filter(|i| keys.value(*i as usize).as_u64().unwrap() % 5 != round);
                    Ok(b.take(&keep.collect::<Vec<u32>>()))
                },
            };
            run.act(
                &|w| {
                    if let Some(t) = w.tables.get_mut("default.t") {
                        t.retain(|r| r.0 % 5 != round);
                    }
                },
                |e| e.rewrite(&table, &change).map(|_| ()),
            )?;
            run.insert(&[("t", rows(round, 3, "new"))], None)?;
        }
        Ok(())
    }),
    ("branch", |run| {
        run.create("t")?;
        run.insert(
            &[("t", rows(0, 170, "old")), ("t", rows(0, 9, "old"))],
            Some("before"),
        )?;
        run.act(
            &|w| {
                w.branches.insert("b".into(), w.clone());
            },
            |e| e.create_branch("b", NewBranch::default()).map(|_| ()),
        )?;
        let other = |e: &Engine| table_of(&e.branch("b")?, "t");
        for round in 0..3u64 {
            run.insert(&[("t", rows(round, 2 + round * 80, "main"))], None)?;
            let came = rows(300 + round, 2 + round * 80, "branch");
            run.act(
                &|w| {
                    if let Some(t) = w.branches.get_mut("b").map(|b| &mut b.tables)
                        && let Some(t) = t.get_mut("default.t")
                    {
                        t.extend(came.iter().cloned());
                        t.sort();
                    }
                },
                |e| {
                    let mut tx = e.branch("b")?.begin();
                    tx.insert(&other(e)?, block(&came))?;
                    tx.commit().map(|_| ())
                },
            )?;
            run.background()?;
        }
        // The token was used before the branch was made.
        let used = run.tokens.iter().any(|t| t == "before");
        run.keep(|e| {
            if !used {
                return Ok(());
            }
            let branch = e.branch("b")?;
            let mut tx = branch.begin();
            tx.insert(&other(e)?, block(&rows(0, 3, "again")))?;
            tx.token("before");
            assert!(tx.commit()?.duplicate);
            Ok(())
        })?;
        run.keep(|e| e.optimize(&other(e)?, None, true))?;
        let table = run.table("t")?;
        run.keep(|e| e.optimize(&table, Some("1"), true))?;
        run.keep(Engine::checkpoint)?;
        run.act(
            &|w| {
                w.tables.remove("default.t");
            },
            |e| e.drop_table("default", "t"),
        )?;
        run.create("t")?;
        run.act(
            &|w| {
                let rows = w.branches.get("b").and_then(|b| b.tables.get("default.t"));
                let rows = rows.cloned().unwrap_or_default();
                w.tables.insert("default.t".into(), rows);
            },
            |e| {
                let (from, to) = (other(e)?, table_of(e, "t")?);
                e.attach(&[Attach {
                    from,
                    to,
                    partition: None,
                }])
            },
        )?;
        run.act(
            &|w| {
                w.branches.clear();
            },
            |e| e.drop_branch("b"),
        )?;
        run.background()?;
        run.insert(&[("t", rows(0, 2, "last"))], None)
    }),
    ("ttl", |run| {
        run.act(
            &|w| {
                w.tables.insert("default.t".into(), Vec::new());
            },
            |e| e.create_table(timed(), CreateMode::Fail).map(|_| ()),
        )?;
        // Three batches that each become one part: one is over at once, one by half, one never.
        let batches = [(1000, 1000), (2000, 4_000_000), (4_000_000, 4_000_000)];
        for (batch, times) in batches.into_iter().enumerate() {
            let came = timed_rows(batch as u64);
            run.act(
                &|w| {
                    if let Some(t) = w.tables.get_mut("default.t") {
                        t.extend(came.iter().cloned());
                        t.sort();
                    }
                },
                |e| {
                    let mut tx = e.begin();
                    tx.insert(&table_of(e, "t")?, timed_block(&came, times))?;
                    tx.commit().map(|_| ())
                },
            )?;
        }
        for step in 1..=2u64 {
            run.clock.advance(600_000_000_000 * step as i64);
            // The first goes whole, and then of the second the half that is over; a step that failed
            // leaves what it was to do to the next.
            let mut rows = run.known.tables.get("default.t").into_iter().flatten();
            let is_whole = rows.any(|r| r.1.starts_with("0-"));
            let stays = |r: &Row| match is_whole {
                true => !r.1.starts_with("0-"),
                false => !r.1.starts_with("1-") || r.0 % 2 == 1,
            };
            run.act(
                &|w| {
                    if let Some(t) = w.tables.get_mut("default.t") {
                        t.retain(stays);
                    }
                },
                |e| e.run_background_once().map(|_| ()),
            )?;
        }
        Ok(())
    }),
    ("housekeeping", |run| {
        run.create("t")?;
        run.create("u")?;
        for i in 0..18u64 {
            let targets = [
                ("t", rows(i, 1 + (i * 37) % 80, "t")),
                ("u", rows(i, 1, "u")),
            ];
            run.insert(&targets, None)?;
            run.clock.advance(4_000_000);
            run.background()?;
        }
        Ok(())
    }),
];
