//! Pictures are what the program really shows, drawn.
//!
//! The picture of a terminal is drawn here. Those of a comment are drawn by Chromium, which is not
//! everywhere: beside them stands of what page each was made, so that an old one is seen without it.

use std::path::Path;
use std::process::Command;

use cancel_pending::domain::sha256_hex;
use pulldown_cmark::{Options, Parser};

use super::is_writing;
use crate::support::{Workspace, repository};

/// Which picture was made of which page: the digests of both.
const RECORD: &str = "docs/pictures.sha256";

/// The width of a comment on a wide screen.
const WIDTH: u32 = 880;

/// What a command prints, without the time of the run, which no two runs share.
fn shown(arguments: &[&str]) -> String {
    let mut command = Workspace::new().command();
    let output = command.current_dir(repository("")).args(arguments).output().expect("the program runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let marks = [("emulator.localhost at 20", " at 20", "Z"), (" · read 20", " · read 20", " UTC")];
    let (mark, cut, end) = marks.into_iter().find(|(mark, ..)| text.contains(mark)).expect("the time of the run");
    let (before, rest) = text.split_once(mark).expect("it was found");
    format!("{before}{}{}", mark.trim_end_matches(cut), rest.split_once(end).expect("its end").1)
}

#[test]
fn the_picture_of_the_plan() {
    let files = ["plan", "examples/offers.yaml", "--emulate", "examples/portal.yaml"];
    let text = shown(&[&files[..], &["--color", "always"]].concat());
    let svg = anstyle_svg::Term::new().render_svg(&format!("$ cancel-pending {}\n{text}", files.join(" ")));
    super::expect_file("docs/plan.svg", &svg);
}

/// The page that a comment's picture is taken of.
fn comment_page(theme: &str) -> String {
    // At a time that stands still: the comment says since when nothing has changed.
    let state = std::fs::read_to_string(repository("examples/portal.yaml")).expect("the example");
    let workspace = Workspace::with("portal.yaml", format!("clock: {{now: 2026-11-25T09:00:00Z, speed: 0}}\n{state}"));
    let portal = workspace.path("portal.yaml").display().to_string();
    let markdown = shown(&["plan", "examples/offers.yaml", "--emulate", &portal, "--format", "markdown"]);
    // As where it is read: the emulator's name stands for the portal's. A new version is no new picture.
    let markdown = markdown.replace("http://emulator.localhost", "https://cloudpartner.azure.com");
    let markdown = markdown.replace(concat!("cancel-pending ", env!("CARGO_PKG_VERSION")), "cancel-pending");
    let mut body = String::new();
    let options = Options::ENABLE_TABLES | Options::ENABLE_GFM | Options::ENABLE_STRIKETHROUGH;
    pulldown_cmark::html::push_html(&mut body, Parser::new_ext(&markdown, options));
    let style = include_str!("comment.css");
    format!(
        "<!doctype html>\n<html class=\"{theme}\"><meta charset=\"utf-8\"><style>\n{style}</style>\n<article>\n{}</article>\n\
         <script>document.documentElement.dataset.height = document.documentElement.scrollHeight</script>\n</html>\n",
        colored(&body)
    )
}

/// Colors the lines of differences, as GitHub does.
fn colored(html: &str) -> String {
    let mut inside = false;
    let lines = html.lines().map(|line| {
        inside |= line.contains("<code class=\"language-diff\">");
        let (start, text) = line.rfind("language-diff\">").map_or(("", line), |at| line.split_at(at + 15));
        let class = match text.as_bytes().first() {
            Some(b'-') if inside => "gone",
            Some(b'+') if inside => "new",
            _ => "same",
        };
        inside &= !line.contains("</code>");
        if class == "same" { line.to_owned() } else { format!("{start}<span class=\"{class}\">{text}</span>") }
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

/// Runs Chromium on a page.
fn chromium(workspace: &Workspace, page: &Path, more: &[&str]) -> String {
    let output = Command::new(std::env::var_os("CHROMIUM").unwrap_or_else(|| "chromium".into()))
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", workspace.path("profile").display()))
        .args(more)
        .arg(page)
        .output()
        .expect("Chromium, which draws the pictures of a comment; CHROMIUM names it");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn draw(source: &str, picture: &Path) {
    let workspace = Workspace::with("page.html", source);
    let page = workspace.path("page.html");
    let dom = chromium(&workspace, &page, &[&format!("--window-size={WIDTH},100"), "--dump-dom"]);
    let height = dom.split("data-height=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("its height");
    let size = format!("--window-size={WIDTH},{height}");
    chromium(&workspace, &page, &[&size, &format!("--screenshot={}", picture.display())]);
}

#[test]
fn the_pictures_of_the_comment() {
    let mut record = String::new();
    for theme in ["light", "dark"] {
        let name = format!("comment-{theme}.png");
        let picture = repository("docs").join(&name);
        let source = comment_page(theme);
        let digest = sha256_hex(source.as_bytes());
        let known = std::fs::read_to_string(repository(RECORD)).unwrap_or_default();
        if is_writing() && !known.contains(&digest) {
            draw(&source, &picture);
        }
        let drawn = sha256_hex(&std::fs::read(&picture).expect("the picture"));
        record.push_str(&format!("{drawn}  {name}  made of {digest}\n"));
    }
    super::expect_file(RECORD, &record);
}
