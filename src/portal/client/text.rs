//! HTML of a portal as plain text, in one pass.
//!
//! Owns the way from one to the other, and that it takes no longer than a text for people is worth. What
//! comes out is as untrusted as what went in.

use html5gum::{State, Token, Tokenizer};

use crate::secrets::redact;

/// The most bytes of HTML that are read: what a portal has to say stands at its beginning.
const MAX_HTML: usize = 64 * 1024;

/// The most bytes of text that are kept. Whoever shows it cuts it further.
const MAX_TEXT: usize = 16 * 1024;

/// Tags that stand inside a word or between two of them, and are no space.
const INLINE: &[&[u8]] = &[
    b"a", b"abbr", b"b", b"bdi", b"big", b"cite", b"code", b"em", b"font", b"i", b"kbd", b"mark", b"q", b"s", b"samp",
    b"small", b"span", b"strong", b"sub", b"sup", b"tt", b"u", b"var",
];

/// The text of a piece of HTML: tags and known secrets out, entities decoded, white space folded, cut to 16 KiB.
/// What comes out is plain text, which is as untrusted as before.
pub(in crate::portal) fn plain_text(html: &str) -> String {
    if !html.contains(['<', '&']) {
        return folded(up_to(&redact(html), MAX_TEXT));
    }
    let html = up_to(html, MAX_HTML);
    // Behind the last `>` nothing can be a whole tag, and what only looks like the start of one is text.
    let (markup, tail) = html.split_at(html.rfind('>').map_or(0, |at| at + 1));
    let tail = up_to(tail, MAX_TEXT).replace('<', "&lt;");
    let mut text = Vec::new();
    for part in [markup, &tail] {
        for Ok(token) in Tokenizer::new(part) {
            match token {
                Token::String(string) => text.extend_from_slice(&string),
                Token::StartTag(tag) if !INLINE.contains(&&**tag.name) => text.push(b' '),
                Token::EndTag(tag) if !INLINE.contains(&&**tag.name) => text.push(b' '),
                _ => {}
            }
            if text.len() > MAX_TEXT {
                break;
            }
        }
    }
    // Before it is cut, here and by whoever shows it: half of a secret would not be recognized.
    folded(up_to(&redact(&String::from_utf8_lossy(&text)), MAX_TEXT))
}

/// What a whole page says of itself: its title, and its first heading.
pub(super) fn title_and_heading(html: &str) -> (Option<String>, Option<String>) {
    let (mut title, mut heading) = (None::<Vec<u8>>, None::<Vec<u8>>);
    let mut inside: Option<Vec<u8>> = None;
    let mut tokens = Tokenizer::new(up_to(html, MAX_HTML));
    while let Some(Ok(token)) = tokens.next() {
        let kept = |name: &[u8]| match name {
            b"title" => Some(true),
            b"h1" | b"h2" => Some(false),
            _ => None,
        };
        match token {
            Token::StartTag(tag) => match &**tag.name {
                // Neither is HTML inside.
                b"script" => tokens.set_state(State::ScriptData),
                b"style" => tokens.set_state(State::RawText),
                name => match kept(name) {
                    Some(true) if title.is_none() => inside = Some(name.to_vec()),
                    Some(false) if heading.is_none() => inside = Some(name.to_vec()),
                    _ => {}
                },
            },
            Token::EndTag(tag) if inside.as_deref() == Some(&**tag.name) => inside = None,
            Token::String(string) => {
                if let Some(is_title) = inside.as_deref().and_then(kept) {
                    let text = if is_title { &mut title } else { &mut heading }.get_or_insert_default();
                    text.extend(string.iter().take(MAX_TEXT.saturating_sub(text.len())));
                }
            }
            _ => {}
        }
        if title.is_some() && heading.is_some() && inside.is_none() {
            break;
        }
    }
    let text = |bytes: Option<Vec<u8>>| {
        bytes.map(|bytes| folded(&String::from_utf8_lossy(&bytes))).filter(|text| !text.is_empty())
    };
    (text(title), text(heading))
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first bytes of a text, not more than `most`, and whole characters.
fn up_to(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_text() {
        for (html, text) in [
            ("No image was found.", "No image was found."),
            ("<p>No <b>image</b>&nbsp;was\n found.</p>", "No image was found."),
            ("<p>One</p><p>Two<br>Three</p>", "One Two Three"),
            ("1 &lt; 2 &amp;&amp; 3 > 2", "1 < 2 && 3 > 2"),
            ("size < 5 GB, see <a href='https://x.example/?a=>'>here</a>", "size < 5 GB, see here"),
            ("<script>alert(1)</script>", "alert(1)"),
            ("a <unclosed", "a <unclosed"),
            ("<i>a</i> <unclosed &amp; more", "a <unclosed & more"),
            ("", ""),
        ] {
            assert_eq!(plain_text(html), text, "{html}");
        }
    }

    #[test]
    fn a_page_says_its_title_and_its_first_heading() {
        let page = "<html><script>'<title>no</title>'</script><head><TITLE>Service\n unavailable</TITLE></head>\
                    <style>h2 {}</style><h2>The request is <i>blocked</i>.</h2><h2>More</h2></html>";
        let said = |html: &str| title_and_heading(html);
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(said(page), (text("Service unavailable"), text("The request is blocked.")));
        assert_eq!(said("<html><body><p>x"), (None, None));
        assert_eq!(said("<title>cut off"), (text("cut off"), None));
    }

    /// In time that grows with the square of the length this would take hours.
    #[test]
    fn four_mebibytes_of_anything_are_read_in_no_time() {
        const SIZE: usize = 4 * 1024 * 1024;
        for piece in
            ["<", "<a", "<a ", "<a b='", "</", "<!--", "<!", "&", "&a", "&#", "<a>", "<b>", "a ", "<a/b ", "\u{e9}<"]
        {
            for end in ["", ">"] {
                let html = format!("{}{end}", piece.repeat(SIZE / piece.len()));
                assert!(plain_text(&html).len() <= MAX_TEXT, "{piece}");
                title_and_heading(&html);
            }
        }
    }
}
