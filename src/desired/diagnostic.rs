//! A mistake in a desired-state file, as data: what, where, and what to write instead.
//!
//! Owns the stable codes. How a diagnostic looks on a terminal is a report's business; the
//! texts here may quote the file and are not safe to print as they are.

/// The kind of a mistake. Its name is stable: scripts and editors may rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// A YAML alias (`*name`).
    Alias,
    /// A YAML anchor (`&name`).
    Anchor,
    /// The same key twice in one mapping.
    DuplicateKey,
    /// The same publisher and offer twice, also across files.
    DuplicateOffer,
    /// Nothing in the file.
    EmptyFile,
    /// Something other than `true` or `false`.
    InvalidBoolean,
    /// An e-mail address that can't be sent.
    InvalidEmail,
    /// A publisher, offer or operation id against the rule of ids.
    InvalidId,
    /// A number outside its range.
    InvalidNumber,
    /// A reason that is too long or holds control characters.
    InvalidReason,
    /// Not an RFC 3339 time with its offset.
    InvalidTimestamp,
    /// A YAML merge key (`<<`).
    MergeKey,
    /// A key that has to be there.
    MissingKey,
    /// A directory without `*.yaml` or `*.yml`.
    NoFiles,
    /// A document without any offer.
    NoOffers,
    /// Not UTF-8.
    NotUtf8,
    /// A key without a value.
    NullValue,
    /// Not well-formed YAML.
    Syntax,
    /// A YAML tag (`!name`).
    Tag,
    /// Nested deeper than eight levels.
    TooDeep,
    /// More than 1 MiB.
    TooLarge,
    /// A key that means nothing.
    UnknownKey,
    /// A portal that is none.
    UnknownPortal,
    /// A file that can't be opened.
    Unreadable,
    /// A list where text belongs, and the like.
    WrongType,
}

impl Code {
    /// The stable name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alias => "alias",
            Self::Anchor => "anchor",
            Self::DuplicateKey => "duplicate-key",
            Self::DuplicateOffer => "duplicate-offer",
            Self::EmptyFile => "empty-file",
            Self::InvalidBoolean => "invalid-boolean",
            Self::InvalidEmail => "invalid-email",
            Self::InvalidId => "invalid-id",
            Self::InvalidNumber => "invalid-number",
            Self::InvalidReason => "invalid-reason",
            Self::InvalidTimestamp => "invalid-timestamp",
            Self::MergeKey => "merge-key",
            Self::MissingKey => "missing-key",
            Self::NoFiles => "no-files",
            Self::NoOffers => "no-offers",
            Self::NotUtf8 => "not-utf8",
            Self::NullValue => "null-value",
            Self::Syntax => "syntax",
            Self::Tag => "tag",
            Self::TooDeep => "too-deep",
            Self::TooLarge => "too-large",
            Self::UnknownKey => "unknown-key",
            Self::UnknownPortal => "unknown-portal",
            Self::Unreadable => "unreadable",
            Self::WrongType => "wrong-type",
        }
    }
}

/// A part of a source line around a mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, or what stands around the mistake when the line is long.
    pub text: String,
    /// The marked part, in bytes of `text`.
    pub marked: std::ops::Range<usize>,
    /// Whether `text` is the line from its start, so that columns in it are those of the file.
    pub is_whole: bool,
}

/// Where in the file a mistake is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Line, counted from 1.
    pub line: u64,
    /// Column in characters, counted from 1.
    pub column: u64,
    /// The source there; none where the bytes are no text.
    pub excerpt: Option<Excerpt>,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind.
    pub code: Code,
    /// In which file.
    pub path: String,
    /// Where in it; none when it is about the file as a whole.
    pub place: Option<Place>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}
