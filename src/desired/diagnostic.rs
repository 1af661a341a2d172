//! A mistake in a desired-state file, as data: what, where, and what to write instead.
//!
//! Owns the stable codes. How a diagnostic looks on a terminal is a report's business; the
//! texts here may quote the file and are not safe to print as they are.

/// Declares the codes: the name of each in the program, its stable name, and what it means.
macro_rules! codes {
    ($($code:ident $name:literal $meaning:literal)+) => {
        /// The kind of a mistake. Its name is stable: scripts and editors may rely on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $meaning] $code,)+
        }

        impl Code {
            /// All of them, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$code),+];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)+
                }
            }

            /// What kind of mistake it is, in a sentence without its full stop.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$code => $meaning,)+
                }
            }
        }
    };
}

// The one list of them: SARIF rules and the documentation are made from it.
codes! {
    Alias "alias" "A YAML alias (`*name`) is used; aliases are not supported"
    Anchor "anchor" "A YAML anchor (`&name`) is used; anchors are not supported"
    DuplicateKey "duplicate-key" "A key occurs twice in one mapping"
    DuplicateOffer "duplicate-offer" "An offer is listed twice, in one file or in several"
    EmptyFile "empty-file" "A file or a document holds no desired state"
    InvalidBoolean "invalid-boolean" "A boolean is written in another way than `true` or `false`"
    InvalidEmail "invalid-email" "An e-mail address is malformed"
    InvalidId "invalid-id" "The id of a publisher, an offer or an operation is malformed"
    InvalidNumber "invalid-number" "A number is out of range, or not written in decimal digits"
    InvalidPattern "invalid-pattern" "A pattern of a freeze is malformed"
    InvalidReason "invalid-reason" "A reason is empty, too long, or holds control characters"
    InvalidTimestamp "invalid-timestamp" "A time is not in the form of RFC 3339 with an offset"
    MergeKey "merge-key" "A YAML merge key (`<<`) is used; merge keys are not supported"
    MissingKey "missing-key" "A required key is missing"
    NoFiles "no-files" "A directory holds no YAML file"
    NoOffers "no-offers" "The list of offers is empty"
    NotUtf8 "not-utf8" "A file is not text in UTF-8"
    NullValue "null-value" "A key has no value"
    Syntax "syntax" "A file is not valid YAML"
    Tag "tag" "A YAML tag (`!name`) is used; tags are not supported"
    TooDeep "too-deep" "Lists and mappings are nested more than 8 levels deep"
    TooLarge "too-large" "A file is larger than 1 MiB"
    UnknownKey "unknown-key" "A key is not part of the format"
    UnknownPortal "unknown-portal" "The name of a portal is unknown"
    UnmatchedPattern "unmatched-pattern" "A pattern of a freeze matches no offer of its publisher"
    Unreadable "unreadable" "A file or a directory can't be read"
    UnusedKey "unused-key" "A key means nothing on the portal"
    WrongType "wrong-type" "A value has the wrong type, such as a list in place of text"
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

impl Place {
    /// The column after the marked part, which ends on the same line.
    #[must_use]
    pub fn end_column(&self) -> u64 {
        let marked = self.excerpt.as_ref().and_then(|excerpt| excerpt.text.get(excerpt.marked.clone()));
        self.column + marked.map_or(0, |text| text.chars().count() as u64).max(1)
    }
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
