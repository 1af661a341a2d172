//! Making text inert: for a terminal that is also the log of a GitHub Actions step, and for
//! Markdown on GitHub.
//!
//! Owns every escape in the program. The escapes are visible and in ASCII: who reads a log
//! should see that something was there.

use std::borrow::Cow;

use crate::domain::is_guid;

/// Whether a character changes how others are shown, or is not shown at all.
pub(super) const fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00}'..='\u{1f}' | '\u{7f}'..='\u{9f}'     // C0, DEL, C1: among them what starts terminal sequences
        | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'                      // line and paragraph separators, bidirectional overrides
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Text for a terminal or a log.
///
/// Control and invisible characters become `\u{…}`. The runner of GitHub Actions reads a line
/// that starts with `::` (white space before it counts for nothing) and `##[` anywhere in a
/// line as commands; a backslash breaks both.
///
/// ```
/// use cancel_pending::report::terminal;
/// assert_eq!(terminal("Certification is blocked"), "Certification is blocked");
/// assert_eq!(terminal("\u{1b}[31m"), r"\u{1b}[31m");
/// assert_eq!(terminal("a\n::error::b"), r"a\n:\:error:\:b");
/// assert_eq!(terminal("##[error]b"), r"##\[error]b");
/// assert_eq!(terminal("http://[::1]:8787"), "http://[::1]:8787");
/// ```
#[must_use]
pub fn terminal(text: &str) -> Cow<'_, str> {
    let plain = text.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && !matches!(byte, b':' | b'#'));
    if plain {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push(' '),
            ':' if safe.ends_with(':') && !safe.ends_with("[:") => safe.push_str("\\:"),
            '[' if safe.ends_with("##") => safe.push_str("\\["),
            character if is_invisible(character) => safe.extend(character.escape_unicode()),
            character => safe.push(character),
        }
    }
    Cow::Owned(safe)
}

/// JSON text, or a part of a JSON string, in which nothing acts on a terminal or a runner.
///
/// What is replaced occurs in JSON inside strings alone, and the replacement is another
/// spelling of the same string.
///
/// ```
/// use cancel_pending::report::json_inert;
/// assert_eq!(json_inert("{\"a\": \"##[error]\"}"), r###"{"a": "##\u005berror]"}"###);
/// ```
#[must_use]
pub fn json_inert(text: &str) -> Cow<'_, str> {
    if !text.contains("##[") && !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        let hidden = is_invisible(character) && !matches!(character, '\n' | '\r' | '\t');
        if hidden || (character == '[' && safe.ends_with("##")) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(character);
        }
    }
    Cow::Owned(safe)
}

/// The longest text that a code span shows, in characters.
const MAX_SPAN: usize = 1_000;

/// A Markdown code span around any text, for running text and for table cells.
///
/// Code is the one place where GitHub makes nothing of what it finds: no markup, no HTML, no
/// mention, no reference, no link. The fence is longer than any run of backticks within, and
/// pipes are escaped, because a table is cut into cells before code is recognised.
///
/// ```
/// use cancel_pending::report::markdown_code;
/// assert_eq!(markdown_code("@contoso #123 <b>"), "`@contoso #123 <b>`");
/// assert_eq!(markdown_code("a|b"), r"`a\|b`");
/// assert_eq!(markdown_code(r"a\|b"), r"`a\\u{7c}b`");
/// assert_eq!(markdown_code("a``b`"), "``` a``b` ```");
/// assert_eq!(markdown_code(""), "` `");
/// ```
#[must_use]
pub fn markdown_code(text: &str) -> String {
    let folded = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shortened = match folded.char_indices().nth(MAX_SPAN) {
        Some((at, _)) => Cow::Owned(format!("{}…", &folded[..at])),
        None => Cow::Borrowed(folded.as_str()),
    };
    let mut safe = String::with_capacity(shortened.len() + 8);
    for character in terminal(&shortened).chars() {
        match character {
            // A backslash before an escaped pipe would escape the escape, and the cell would end.
            '|' if safe.ends_with('\\') => safe.push_str("\\u{7c}"),
            '|' => safe.push_str("\\|"),
            character => safe.push(character),
        }
    }
    let longest = longest_run(&safe, '`');
    let fence = "`".repeat(if longest == 0 { 1 } else { longest + 1 });
    if safe.is_empty() {
        return "` `".to_owned();
    }
    let pad = if safe.starts_with('`') || safe.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{safe}{pad}{fence}")
}

/// Running text in Markdown: as it is where GitHub makes nothing of it but text, with what stands in backticks as
/// code; anything else as code from end to end.
///
/// What may stand as it is is named, and not what may not: letters, digits, spaces and a few signs of plain prose.
/// It must not be followed by a bracket, and must not begin a line.
///
/// ```
/// use cancel_pending::report::markdown_text;
/// assert_eq!(markdown_text("No image was found, the plan is empty."), "No image was found, the plan is empty.");
/// assert_eq!(markdown_text("`limits.maxCancels` allows 10"), "`limits.maxCancels` allows 10");
/// assert_eq!(markdown_text("see www.example.com"), "`see www.example.com`");
/// assert_eq!(markdown_text("thanks, @contoso"), "`thanks, @contoso`");
/// assert_eq!(markdown_text("`a` <b>"), "`` `a` <b> ``");
/// let id = "5a63deb5-925b-4ee0-938b-7c86fbf287c5";
/// assert_eq!(markdown_text(&format!("operation {id}, which is over")), format!("operation `{id}`, which is over"));
/// ```
#[must_use]
pub fn markdown_text(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let is_safe = parts.len() % 2 == 1
        && !text.trim().is_empty()
        && text.chars().count() <= MAX_SPAN
        && parts.iter().skip(1).step_by(2).all(|part| !part.trim().is_empty());
    let shown = parts.iter().enumerate().map(
        |(index, part)| {
            if index % 2 == 0 { prose(part) } else { Some(markdown_code(part)) }
        },
    );
    let shown: Option<String> = shown.collect();
    shown.filter(|_| is_safe).unwrap_or_else(|| markdown_code(text))
}

/// A text that GitHub makes nothing of but text, with GUIDs and times in it as code. None: it is not one.
fn prose(text: &str) -> Option<String> {
    let is_time = |word: &str| word.len() > 10 && word.parse::<jiff::Timestamp>().is_ok();
    let words = text.split(' ').map(|word| {
        let core = word.trim_matches([',', '.', ';', ':', '(', ')']);
        let is_code = is_guid(core) || is_time(core);
        if is_code {
            (word.replacen(core, &markdown_code(core), 1), word.replacen(core, "it", 1))
        } else {
            (word.to_owned(), word.to_owned())
        }
    });
    let (shown, checked): (Vec<String>, Vec<String>) = words.unzip();
    is_prose(&checked.join(" ")).then(|| shown.join(" "))
}

/// Whether GitHub makes nothing of a text but text.
fn is_prose(text: &str) -> bool {
    let bytes = text.as_bytes();
    let any_case = |wanted: &[u8], window: &[u8]| wanted.iter().zip(window).all(|(a, b)| *a == b | 0x20);
    let is_plain = |character: char| {
        (character.is_alphanumeric() && !is_invisible(character)) || " ,.;:'\"()/?!%-–—…‘’“”".contains(character)
    };
    text.chars().all(is_plain)
        // A link without a scheme, a reference to an issue.
        && !bytes.windows(4).any(|window| any_case(b"www", window) && window[3] == b'.')
        && !bytes.windows(4).any(|window| any_case(b"gh", window) && window[2] == b'-' && window[3].is_ascii_digit())
        // A scheme, an emoji.
        && !bytes.windows(2).any(|window| window[0] == b':' && window[1] != b' ')
        // A commit.
        && !text
            .split(|character: char| !character.is_alphanumeric())
            .any(|word| word.len() >= 7 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A fence of backticks longer than any in the text, and at least three.
pub(super) fn fence_for(text: &str) -> String {
    "`".repeat(longest_run(text, '`').max(2) + 1)
}

fn longest_run(text: &str, wanted: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for character in text.chars() {
        run = if character == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
