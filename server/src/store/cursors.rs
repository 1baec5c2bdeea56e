//! Cursors: how far something was read into a table.
//!
//! A cursor's name begins with the table that the rows are in, whatever it is called: it goes where they
//! go. While rows move to another table the cursors are *held*, and no reader gets its rows in.
//!
//! Invariant: a cursor moves only in the commit of what was read, from where the reader found it.

use roost::interpret::CursorMove;
use roost_engine::catalog::Table;
use roost_engine::error::{Code, Error, Result};

use super::{Entry, Store};

/// What the value of a held cursor begins with.
const HELD: &[u8] = b"held:";

impl Store {
    /// Where a cursor is; none when nothing was read yet.
    ///
    /// # Errors
    /// ABORTED while it is held.
    pub fn cursor(&self, table: &Table, name: &str) -> Result<Option<i64>> {
        let Some(value) = self.database.engine().get(&self.cursor_key(table, name)) else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&value).ok();
        match text.and_then(|t| t.parse().ok()) {
            Some(at) => Ok(Some(at)),
            None => Err(Error::new(
                Code::ABORTED,
                "the rows that were read are moving to another table: reading goes on afterwards",
            )),
        }
    }

    /// A step of a cursor, to be committed with what was read.
    pub fn cursor_move(&self, table: &Table, name: &str, from: Option<i64>, to: i64) -> CursorMove {
        let bytes = |at: i64| at.to_string().into_bytes();
        CursorMove {
            cursor: self.cursor_key(table, name),
            from: from.map(bytes),
            to: Some(bytes(to)),
        }
    }

    /// Moves a cursor to where reading begins.
    ///
    /// # Errors
    /// ABORTED when it is elsewhere.
    pub fn move_cursor(&self, step: CursorMove) -> Result<()> {
        let mut transaction = self.database.engine().begin();
        transaction.advance(&step.cursor, step.from, step.to);
        transaction.commit().map(|_| ())
    }

    /// The removal of all cursors of a table.
    pub fn without_cursors(&self, table: &Table) -> Vec<Entry> {
        let all = self.cursors_of(table).into_iter();
        all.map(|(key, _)| (key, None)).collect()
    }

    /// Holds the cursors of a table: from now on no rows come in with them.
    ///
    /// # Errors
    /// What the log says.
    pub fn hold_cursors(&self, table: &Table) -> Result<()> {
        loop {
            let mut transaction = self.database.engine().begin();
            let all = self.cursors_of(table);
            for (key, value) in all.iter().filter(|(_, v)| !v.starts_with(HELD)) {
                transaction.advance(key, Some(value.clone()), Some([HELD, value].concat()));
            }
            match transaction.commit() {
                // A reader was quicker.
                Err(e) if e.code() == Code::ABORTED => {}
                done => return done.map(|_| ()),
            }
        }
    }

    /// What gives the cursors of a table, held ones among them, to another.
    pub fn moved_cursors(&self, from: &Table, to: &Table) -> Vec<Entry> {
        let (old, new) = (self.cursor_key(from, ""), self.cursor_key(to, ""));
        let all = self.cursors_of(from).into_iter();
        let moves = all.flat_map(|(key, value)| {
            let name = key.strip_prefix(&old).unwrap_or_default();
            [
                (format!("{new}{name}"), Some(released(&value))),
                (key, None),
            ]
        });
        moves.collect()
    }

    /// Lets reading into a table go on.
    ///
    /// # Errors
    /// What the log says.
    pub fn release_cursors(&self, table: &Table) -> Result<()> {
        self.release(&self.cursor_key(table, ""))
    }

    /// The same for all tables: nothing holds a cursor when the server starts.
    ///
    /// # Errors
    /// What the log says.
    pub fn release_all_cursors(&self) -> Result<()> {
        self.release(&self.key("cursor", ""))
    }

    fn release(&self, prefix: &str) -> Result<()> {
        let all = self.database.engine().scan(prefix).into_iter();
        let held = all.filter(|(_, value)| value.starts_with(HELD));
        let held: Vec<Entry> = held
            .map(|(key, value)| (key, Some(released(&value))))
            .collect();
        match held.is_empty() {
            true => Ok(()),
            false => self.save_all(held),
        }
    }

    fn cursors_of(&self, table: &Table) -> Vec<(String, Vec<u8>)> {
        self.database.engine().scan(&self.cursor_key(table, ""))
    }

    fn cursor_key(&self, table: &Table, name: &str) -> String {
        self.key(
            "cursor",
            &format!("{:032x}/{name}", table.definition().uuid),
        )
    }
}

fn released(value: &[u8]) -> Vec<u8> {
    value.strip_prefix(HELD).unwrap_or(value).to_vec()
}
