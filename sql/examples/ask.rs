//! Answers statements from standard input, for the differential runner: statements and answers end
//! with a zero byte; an error is answered as `Code: N. DB::Exception: ...`.

use std::io::{Read, Write};

use roost::Database;
use roost::session::QueryRequest;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let db = Database::in_memory()?;
    let (mut input, mut statement) = (std::io::stdin().lock(), Vec::new());
    let mut byte = [0u8];
    while input.read(&mut byte)? == 1 {
        if byte[0] != 0 {
            statement.push(byte[0]);
            continue;
        }
        let sql = String::from_utf8_lossy(&std::mem::take(&mut statement)).into_owned();
        let mut request = QueryRequest::new(sql);
        request.default_format = Some("TabSeparatedWithNamesAndTypes".into());
        let mut answer = Vec::new();
        if let Err(e) = db.run(request, &mut answer) {
            answer = format!(
                "Code: {}. DB::Exception: {e} ({})",
                e.code() as u16,
                e.code().name()
            )
            .into();
        }
        answer.push(0);
        std::io::stdout().write_all(&answer)?;
        std::io::stdout().flush()?;
    }
    Ok(())
}
