//! A database inside a program: `cargo run -p roost --example embedded`.

use roost::Database;

fn main() -> Result<(), roost::Error> {
    let db = Database::in_memory()?;
    db.execute(
        "CREATE TABLE visits (at DateTime, page String, ms UInt32) ENGINE = MergeTree ORDER BY at;
         INSERT INTO visits SELECT now() - number, concat('/', toString(number % 3)), number % 700
         FROM numbers(100000)",
    )?;
    let result =
        db.query("SELECT page, count() AS n, max(ms) FROM visits GROUP BY page ORDER BY n DESC")?;
    for row in result.rows() {
        println!("{row:?}");
    }
    Ok(())
}
