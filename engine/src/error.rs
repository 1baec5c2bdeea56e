//! The one error type of engine and sql: a ClickHouse code, a sentence, and where it happened.
//!
//! Invariant: every error that leaves the process carries a [`Code`] whose number and name are
//! ClickHouse's, and a message that says what was found and what was expected.

use std::fmt;

/// Result of everything fallible in the engine and in SQL.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller should do about an error; derived from its [`Code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The request is wrong; it will fail again unless it is changed.
    UserMistake,
    /// A limit (memory, time, rows, size) was reached; try with less or raise the limit.
    LimitReached,
    /// Bytes on disk are not what was written; restore from a backup.
    CorruptData,
    /// The operating system refused; the message says which file and call.
    Io,
    /// The store does not accept writes any more (a failed fsync, a poisoned writer).
    ReadOnly,
    /// Somebody asked for the query to stop.
    Cancelled,
    /// The construct is known and not built.
    NotImplemented,
    /// A bug in Roost.
    Bug,
}

macro_rules! codes {
    ($($name:ident = $number:literal),* $(,)?) => {
        /// A ClickHouse error code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(non_camel_case_types, reason = "the names are ClickHouse's own")]
        #[repr(u16)]
        pub enum Code { $(
            #[doc = concat!("ClickHouse error ", stringify!($number), ".")]
            $name = $number,
        )* }

        impl Code {
            /// Every code, in the order of the numbers.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// ClickHouse's name of the code, for example `UNKNOWN_TABLE`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$name => stringify!($name),)* }
            }
        }
    };
}

codes! {
    UNSUPPORTED_METHOD = 1,
    UNSUPPORTED_PARAMETER = 2,
    UNEXPECTED_END_OF_FILE = 3,
    CANNOT_PARSE_TEXT = 6,
    INCORRECT_NUMBER_OF_COLUMNS = 7,
    THERE_IS_NO_COLUMN = 8,
    SIZES_OF_COLUMNS_DOESNT_MATCH = 9,
    NOT_FOUND_COLUMN_IN_BLOCK = 10,
    POSITION_OUT_OF_BOUND = 11,
    PARAMETER_OUT_OF_BOUND = 12,
    DUPLICATE_COLUMN = 15,
    NO_SUCH_COLUMN_IN_TABLE = 16,
    SIZE_OF_FIXED_STRING_DOESNT_MATCH = 19,
    NUMBER_OF_COLUMNS_DOESNT_MATCH = 20,
    CANNOT_READ_ALL_DATA_FROM_TAB_SEPARATED_INPUT = 21,
    CANNOT_READ_FROM_ISTREAM = 23,
    CANNOT_PARSE_ESCAPE_SEQUENCE = 25,
    CANNOT_PARSE_QUOTED_STRING = 26,
    CANNOT_PARSE_INPUT_ASSERTION_FAILED = 27,
    CANNOT_PRINT_FLOAT_OR_DOUBLE_NUMBER = 28,
    ATTEMPT_TO_READ_AFTER_EOF = 32,
    CANNOT_READ_ALL_DATA = 33,
    TOO_MANY_ARGUMENTS_FOR_FUNCTION = 34,
    TOO_FEW_ARGUMENTS_FOR_FUNCTION = 35,
    BAD_ARGUMENTS = 36,
    UNKNOWN_ELEMENT_IN_AST = 37,
    CANNOT_PARSE_DATE = 38,
    TOO_LARGE_SIZE_COMPRESSED = 39,
    CHECKSUM_DOESNT_MATCH = 40,
    CANNOT_PARSE_DATETIME = 41,
    NUMBER_OF_ARGUMENTS_DOESNT_MATCH = 42,
    ILLEGAL_TYPE_OF_ARGUMENT = 43,
    ILLEGAL_COLUMN = 44,
    UNKNOWN_FUNCTION = 46,
    UNKNOWN_IDENTIFIER = 47,
    NOT_IMPLEMENTED = 48,
    LOGICAL_ERROR = 49,
    UNKNOWN_TYPE = 50,
    EMPTY_LIST_OF_COLUMNS_QUERIED = 51,
    COLUMN_QUERIED_MORE_THAN_ONCE = 52,
    TYPE_MISMATCH = 53,
    STORAGE_REQUIRES_PARAMETER = 55,
    UNKNOWN_STORAGE = 56,
    TABLE_ALREADY_EXISTS = 57,
    TABLE_METADATA_ALREADY_EXISTS = 58,
    ILLEGAL_TYPE_OF_COLUMN_FOR_FILTER = 59,
    UNKNOWN_TABLE = 60,
    SYNTAX_ERROR = 62,
    UNKNOWN_AGGREGATE_FUNCTION = 63,
    CANNOT_GET_SIZE_OF_FIELD = 68,
    ARGUMENT_OUT_OF_BOUND = 69,
    CANNOT_CONVERT_TYPE = 70,
    CANNOT_PARSE_NUMBER = 72,
    UNKNOWN_FORMAT = 73,
    CANNOT_READ_FROM_FILE_DESCRIPTOR = 74,
    CANNOT_WRITE_TO_FILE_DESCRIPTOR = 75,
    CANNOT_OPEN_FILE = 76,
    INCORRECT_FILE_NAME = 79,
    INCORRECT_QUERY = 80,
    UNKNOWN_DATABASE = 81,
    DATABASE_ALREADY_EXISTS = 82,
    CANNOT_FSYNC = 85,
    UNKNOWN_COMPRESSION_METHOD = 89,
    UNKNOWN_SETTING = 115,
    INCORRECT_DATA = 117,
    ENGINE_REQUIRED = 119,
    INCOMPATIBLE_COLUMNS = 122,
    INCORRECT_RESULT_OF_SCALAR_SUBQUERY = 125,
    INCORRECT_ELEMENT_OF_SET = 126,
    TOO_LARGE_ARRAY_SIZE = 128,
    FUNCTION_IS_SPECIAL = 129,
    CANNOT_READ_ARRAY_FROM_TEXT = 130,
    TOO_LARGE_STRING_SIZE = 131,
    AGGREGATE_FUNCTION_DOESNT_ALLOW_PARAMETERS = 133,
    PARAMETERS_TO_AGGREGATE_FUNCTIONS_MUST_BE_LITERALS = 134,
    ZERO_ARRAY_OR_TUPLE_INDEX = 135,
    NO_ELEMENTS_IN_CONFIG = 139,
    ILLEGAL_DIVISION = 153,
    TOO_MANY_ROWS = 158,
    TIMEOUT_EXCEEDED = 159,
    TOO_SLOW = 160,
    TOO_MANY_COLUMNS = 161,
    TOO_DEEP_SUBQUERIES = 162,
    READONLY = 164,
    TOO_DEEP_AST = 167,
    TOO_BIG_AST = 168,
    CANNOT_ALLOCATE_MEMORY = 173,
    CYCLIC_ALIASES = 174,
    MULTIPLE_EXPRESSIONS_FOR_ALIAS = 179,
    ILLEGAL_FINAL = 181,
    ILLEGAL_PREWHERE = 182,
    UNEXPECTED_EXPRESSION = 183,
    ILLEGAL_AGGREGATION = 184,
    SIZES_OF_ARRAYS_DONT_MATCH = 190,
    SET_SIZE_LIMIT_EXCEEDED = 191,
    UNKNOWN_USER = 192,
    REQUIRED_PASSWORD = 194,
    QUOTA_EXCEEDED = 201,
    AMBIGUOUS_IDENTIFIER = 207,
    SOCKET_TIMEOUT = 209,
    NETWORK_ERROR = 210,
    EMPTY_QUERY = 211,
    NOT_AN_AGGREGATE = 215,
    QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING = 216,
    UNEXPECTED_AST_STRUCTURE = 223,
    NO_SUCH_DATA_PART = 232,
    BAD_DATA_PART_NAME = 233,
    ABORTED = 236,
    MEMORY_LIMIT_EXCEEDED = 241,
    TABLE_IS_READ_ONLY = 242,
    NOT_ENOUGH_SPACE = 243,
    CORRUPTED_DATA = 246,
    INVALID_PARTITION_VALUE = 248,
    TOO_MANY_PARTS = 252,
    UNION_ALL_RESULT_STRUCTURES_MISMATCH = 258,
    UNSUPPORTED_JOIN_KEYS = 264,
    INFINITE_LOOP = 269,
    CANNOT_DECOMPRESS = 271,
    ALL_CONNECTION_TRIES_FAILED = 279,
    SAMPLING_NOT_SUPPORTED = 141,
    TOO_DEEP_RECURSION = 306,
    INVALID_WITH_FILL_EXPRESSION = 475,
    TOO_MANY_BYTES = 307,
    VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE = 321,
    CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN = 349,
    AMBIGUOUS_COLUMN_NAME = 352,
    INDEX_OF_POSITIONAL_ARGUMENT_IS_OUT_OF_RANGE = 353,
    CANNOT_CLOCK_GETTIME = 374,
    CANNOT_PARSE_UUID = 376,
    HTTP_LENGTH_REQUIRED = 381,
    NO_COMMON_TYPE = 386,
    QUERY_WAS_CANCELLED = 394,
    FUNCTION_THROW_IF_VALUE_IS_NON_ZERO = 395,
    TOO_MANY_ROWS_OR_BYTES = 396,
    QUERY_IS_NOT_SUPPORTED_IN_MATERIALIZED_VIEW = 397,
    INVALID_JOIN_ON_EXPRESSION = 403,
    DECIMAL_OVERFLOW = 407,
    CANNOT_UPDATE_COLUMN = 420,
    CANNOT_COMPILE_REGEXP = 427,
    UNKNOWN_CODEC = 432,
    ILLEGAL_CODEC_PARAMETER = 433,
    CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING = 441,
    BAD_TTL_EXPRESSION = 450,
    UNKNOWN_QUERY_PARAMETER = 456,
    BAD_QUERY_PARAMETER = 457,
    CANNOT_PARSE_BOOL = 467,
    INVALID_SETTING_VALUE = 472,
    UNEXPECTED_DATA_AFTER_PARSED_VALUE = 491,
    ACCESS_DENIED = 497,
    AUTHENTICATION_FAILED = 516,
    ALTER_OF_COLUMN_IS_FORBIDDEN = 524,
    CANNOT_EXTRACT_TABLE_STRUCTURE = 636,
    CANNOT_PARSE_IPV4 = 675,
    CANNOT_PARSE_IPV6 = 676,
    UNKNOWN_ELEMENT_OF_ENUM = 691,
    STD_EXCEPTION = 1001,
    UNKNOWN_EXCEPTION = 1002,
}

/// An error with its ClickHouse code. One pointer wide, so that `Result` stays cheap.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    code: Code,
    message: String,
    position: Option<Position>,
}

/// A place in a text (SQL, datafile, NDJSON line), counted from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Byte offset from the start of the text, counted from zero.
    pub offset: usize,
    /// Line, from one.
    pub line: u32,
    /// Column in characters, from one.
    pub column: u32,
}

impl Error {
    /// An error with `code`; `message` is a sentence without a trailing period.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Error(Box::new(Inner {
            code,
            message: message.into(),
            position: None,
        }))
    }

    /// A construct that is known and not built: names it.
    pub fn not_implemented(construct: impl fmt::Display) -> Self {
        Self::new(
            Code::NOT_IMPLEMENTED,
            format!("{construct} is not implemented"),
        )
    }

    /// A broken internal promise.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::new(Code::LOGICAL_ERROR, message)
    }

    /// Bytes on disk that are not what was written; name file and offset in `message`.
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(Code::CORRUPTED_DATA, message)
    }

    /// The same error, placed at `position` of the text it speaks of.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.0.position = Some(position);
        self
    }

    /// The same error with `context: ` in front of the message.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.0.message = format!("{context}: {}", self.0.message);
        self
    }

    /// ClickHouse's code.
    pub fn code(&self) -> Code {
        self.0.code
    }

    /// The sentence, without code or position.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the text, when known.
    pub fn position(&self) -> Option<Position> {
        self.0.position
    }

    /// What the caller should do about it.
    pub fn kind(&self) -> Kind {
        match self.0.code {
            Code::NOT_IMPLEMENTED | Code::UNSUPPORTED_METHOD => Kind::NotImplemented,
            Code::LOGICAL_ERROR | Code::UNKNOWN_EXCEPTION => Kind::Bug,
            Code::CORRUPTED_DATA | Code::CHECKSUM_DOESNT_MATCH => Kind::CorruptData,
            Code::TABLE_IS_READ_ONLY | Code::CANNOT_FSYNC => Kind::ReadOnly,
            Code::QUERY_WAS_CANCELLED => Kind::Cancelled,
            Code::MEMORY_LIMIT_EXCEEDED
            | Code::QUOTA_EXCEEDED
            | Code::TIMEOUT_EXCEEDED
            | Code::TOO_MANY_ROWS
            | Code::TOO_MANY_BYTES
            | Code::TOO_MANY_PARTS
            | Code::TOO_MANY_ROWS_OR_BYTES => Kind::LimitReached,
            Code::CANNOT_OPEN_FILE
            | Code::CANNOT_READ_FROM_FILE_DESCRIPTOR
            | Code::CANNOT_WRITE_TO_FILE_DESCRIPTOR
            | Code::NOT_ENOUGH_SPACE => Kind::Io,
            _ => Kind::UserMistake,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(p) = self.0.position {
            write!(f, " (line {}, column {})", p.line, p.column)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Code: {}. {self} ({})",
            self.0.code as u16,
            self.0.code.name()
        )
    }
}

impl std::error::Error for Error {}

/// Returns early with an [`Error`]: `bail!(BAD_ARGUMENTS, "expected {x}")`.
#[macro_export]
macro_rules! bail {
    ($code:ident, $($arg:tt)*) => {
        return Err($crate::error::Error::new($crate::error::Code::$code, format!($($arg)*)))
    };
}

/// Builds an [`Error`]: `err!(BAD_ARGUMENTS, "expected {x}")`.
#[macro_export]
macro_rules! err {
    ($code:ident, $($arg:tt)*) => {
        $crate::error::Error::new($crate::error::Code::$code, format!($($arg)*))
    };
}
