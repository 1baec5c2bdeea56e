//! Exceptions as ClickHouse answers them.
//!
//! Invariant: the text starts with `Code: N. DB::Exception: ` and ends with the version, as drivers
//! look for it.

use roost_engine::error::{Code, Error};

/// The HTTP status of an exception.
pub(super) fn status_of(e: &Error) -> u16 {
    use Code::*;
    match e.code() {
        REQUIRED_PASSWORD => 401,
        UNKNOWN_USER | AUTHENTICATION_FAILED | ACCESS_DENIED => 403,
        UNKNOWN_TABLE
        | UNKNOWN_FUNCTION
        | UNKNOWN_IDENTIFIER
        | UNKNOWN_TYPE
        | UNKNOWN_STORAGE
        | UNKNOWN_DATABASE
        | UNKNOWN_SETTING
        | UNKNOWN_FORMAT
        | UNKNOWN_AGGREGATE_FUNCTION
        | THERE_IS_NO_COLUMN
        | UNKNOWN_ELEMENT_IN_AST => 404,
        TIMEOUT_EXCEEDED => 408,
        HTTP_LENGTH_REQUIRED => 411,
        QUOTA_EXCEEDED => 429,
        NOT_IMPLEMENTED => 501,
        SOCKET_TIMEOUT => 503,
        CANNOT_PARSE_TEXT
        | CANNOT_PARSE_ESCAPE_SEQUENCE
        | CANNOT_PARSE_QUOTED_STRING
        | CANNOT_PARSE_DATE
        | CANNOT_PARSE_DATETIME
        | CANNOT_PARSE_NUMBER
        | CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING
        | CANNOT_PARSE_IPV4
        | CANNOT_PARSE_IPV6
        | CANNOT_PARSE_UUID
        | CANNOT_PARSE_INPUT_ASSERTION_FAILED
        | CANNOT_PARSE_BOOL
        | ILLEGAL_TYPE_OF_ARGUMENT
        | ILLEGAL_COLUMN
        | ILLEGAL_AGGREGATION
        | SYNTAX_ERROR
        | INCORRECT_DATA
        | TYPE_MISMATCH
        | VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        | BAD_ARGUMENTS
        | NUMBER_OF_ARGUMENTS_DOESNT_MATCH
        | UNKNOWN_QUERY_PARAMETER
        | BAD_QUERY_PARAMETER
        | AMBIGUOUS_IDENTIFIER
        | EMPTY_QUERY
        | NOT_AN_AGGREGATE
        | TOO_MANY_ARGUMENTS_FOR_FUNCTION
        | TOO_FEW_ARGUMENTS_FOR_FUNCTION
        | UNKNOWN_COMPRESSION_METHOD
        | CANNOT_DECOMPRESS
        | INVALID_SETTING_VALUE => 400,
        _ => 500,
    }
}

/// The body of an exception.
pub(super) fn body_of(e: &Error, version: &str) -> String {
    let code = e.code();
    let text = e.to_string();
    let point = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!(
        "Code: {}. DB::Exception: {text}{point} ({}) (version {version} (Roost {}))\n",
        code as u16,
        code.name(),
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceptions_read_as_clickhouse_writes_them() {
        let e = Error::new(Code::UNKNOWN_TABLE, "Table default.t does not exist");
        assert_eq!(status_of(&e), 404);
        assert_eq!(
            body_of(&e, "1.2"),
            format!(
                "Code: 60. DB::Exception: Table default.t does not exist. (UNKNOWN_TABLE) (version 1.2 (Roost {}))\n",
                env!("CARGO_PKG_VERSION")
            )
        );
    }
}
