//! Every relative link leads to a file of the repository, and every anchor to a heading of it.

use std::collections::HashMap;

use pulldown_cmark::{Event, Tag, TagEnd};

use super::{Page, pages};
use crate::support::repository;

/// The anchors of a page, as GitHub makes them from headings, and those that it sets itself.
fn anchors(page: &Page) -> Vec<String> {
    let mut anchors = Vec::new();
    let (mut counts, mut heading) = (HashMap::<String, usize>::new(), None::<String>);
    for (event, _) in page.events() {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => heading.iter_mut().for_each(|heading| heading.push_str(&text)),
            Event::Html(html) | Event::InlineHtml(html) => anchors.extend(attributes(&html, "id")),
            Event::End(TagEnd::Heading(_)) => {
                let slug = slug(&heading.take().unwrap_or_default());
                let count = counts.entry(slug.clone()).or_default();
                anchors.push(if *count == 0 { slug } else { format!("{slug}-{count}") });
                *count += 1;
            }
            _ => {}
        }
    }
    anchors
}

fn slug(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|sign| sign.is_alphanumeric() || matches!(sign, ' ' | '-' | '_'));
    kept.map(|sign| if sign == ' ' { '-' } else { sign }).collect()
}

/// The values of an attribute in a piece of HTML.
fn attributes(html: &str, name: &str) -> Vec<String> {
    let start = format!("{name}=\"");
    let values = html.split(&start).skip(1);
    values.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

/// All links and pictures of a page.
fn links(page: &Page) -> Vec<String> {
    let mut links = Vec::new();
    for (event, _) in page.events() {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => links.push(dest_url.to_string()),
            Event::Html(html) | Event::InlineHtml(html) => {
                links.extend(["href", "src", "srcset"].iter().flat_map(|name| attributes(&html, name)));
            }
            _ => {}
        }
    }
    links
}

/// What is wrong with a link of a page; none: nothing.
fn fault(page: &Page, link: &str, all: &[Page]) -> Option<String> {
    if link.starts_with("https://") {
        return None;
    }
    if link.contains(':') {
        return Some("is neither https nor relative".to_owned());
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let directory = page.path.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut parts: Vec<&str> = directory.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part == ".." {
            if parts.pop().is_none() {
                return Some("leads out of the repository".to_owned());
            }
            continue;
        }
        // By the names that are really there: some file systems take any letter case, GitHub does not.
        let above = repository(&parts.join("/"));
        let mut names = std::fs::read_dir(above).into_iter().flatten().filter_map(Result::ok);
        if !names.any(|entry| entry.file_name() == part) {
            return Some("leads nowhere".to_owned());
        }
        parts.push(part);
    }
    let target = if path.is_empty() { page.path.clone() } else { parts.join("/") };
    let anchor = anchor?;
    match all.iter().find(|other| other.path == target) {
        Some(other) if anchors(other).iter().any(|known| known == anchor) => None,
        Some(_) => Some("names no heading of that page".to_owned()),
        None => Some("has an anchor in what is no page".to_owned()),
    }
}

#[test]
fn every_link_leads_somewhere() {
    let all = pages();
    assert!(all.len() > 10, "only {} pages were found", all.len());
    let faults: Vec<String> = all
        .iter()
        .flat_map(|page| links(page).into_iter().map(move |link| (page, link)))
        .filter_map(|(page, link)| fault(page, &link, &all).map(|fault| format!("{}: {link} {fault}", page.path)))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_link_that_leads_nowhere_is_seen() {
    let page = |path: &str, text: &str| Page { path: path.to_owned(), text: text.to_owned() };
    let text = "# One `two`, three\n\n## One two three\n\n[a](../README.md) <a id=\"set\"></a> ![b](b.svg) <img src=\"c.png\">\n";
    let all = [page("docs/here.md", text), page("README.md", "# Top\n")];
    assert_eq!(anchors(&all[0]), ["one-two-three", "one-two-three-1", "set"]);
    assert_eq!(links(&all[0]), ["../README.md", "b.svg", "c.png"]);
    for (link, is_fine) in [
        ("#one-two-three-1", true),
        ("#set", true),
        ("#four", false),
        ("../README.md", true),
        ("../README.md#top", true),
        ("../README.md#bottom", false),
        ("../readme.md", false),
        ("README.md", false),
        ("../../outside.md", false),
        ("../Cargo.toml", true),
        ("../Cargo.toml#L3", false),
        ("../src/", true),
        ("https://example.com/", true),
        ("http://example.com/", false),
    ] {
        assert_eq!(fault(&all[0], link, &all).is_none(), is_fine, "{link}");
    }
}
