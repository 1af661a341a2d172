//! HTML of a portal as plain text.
//!
//! Owns the way from one to the other. What comes out is as untrusted as what went in.

use std::borrow::Cow;

/// The text of a piece of HTML: tags out, entities decoded, white space folded. What comes
/// out is plain text, which is as untrusted as before.
pub(in crate::portal) fn plain_text(html: &str) -> String {
    let mut stripped = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        let (before, tag) = rest.split_at(open);
        stripped.push_str(before);
        let is_tag = tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '/' | '!'));
        rest = match tag.find('>') {
            Some(close) if is_tag => {
                stripped.push(' ');
                &tag[close + 1..]
            }
            _ => {
                stripped.push('<');
                &tag[1..]
            }
        };
    }
    stripped.push_str(rest);
    let decoded: Cow<'_, str> = html_escape::decode_html_entities(&stripped);
    decoded.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_text() {
        for (html, text) in [
            ("No image was found.", "No image was found."),
            ("<p>No <b>image</b>&nbsp;was\n found.</p>", "No image was found."),
            ("1 &lt; 2 &amp;&amp; 3 > 2", "1 < 2 && 3 > 2"),
            ("size < 5 GB, see <a href='https://x.example/?a=>'>here</a>", "size < 5 GB, see '>here"),
            ("<script>alert(1)</script>", "alert(1)"),
            ("a <unclosed", "a <unclosed"),
            ("", ""),
        ] {
            assert_eq!(plain_text(html), text, "{html}");
        }
    }
}
