//! Lists that come in pages.
//!
//! Owns where the link to the next page may lead, when a list is complete, and how much of one is read. A list of which
//! a page is missing is incomplete: what is on that page is not known, and so nothing can be said of what is not found.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::{Position, Url};

use super::exchange::Wanted;
use super::failure::Failure;
use super::json::{fold_keys, json};
use super::transport::Requests;
use crate::domain::PortalOrigin;

/// The most pages of one list.
const MAX_PAGES: usize = 1_000;

/// The most bytes of one list.
const MAX_LIST_BYTES: usize = 64 * 1024 * 1024;

/// What the link to the next page is called, on the wire and in descriptions, in lower case.
const LINKS: [&str; 3] = ["nextlink", "@odata.nextlink", "@nextlink"];

/// One page of a list, by keys in lower case.
#[derive(Debug, Clone)]
struct JsonPage(Map<String, Value>);

impl JsonPage {
    fn read(body: &[u8]) -> Result<Self, Failure> {
        let unreadable = |why: String| Failure::Unreadable(format!("not a page of a list ({why})"));
        let fields: Map<String, Value> = json(body).map_err(|error| unreadable(error.to_string()))?;
        fold_keys(fields).map(Self).map_err(unreadable)
    }

    /// Where the next page is, under each name that a link to it has.
    fn links(&self) -> impl Iterator<Item = &Value> {
        let link = |name: &&str| self.0.get(*name).filter(|link| !link.is_null() && link.as_str() != Some(""));
        LINKS.iter().filter_map(link)
    }

    /// What is on it. A page may be without `value`, but not without anything that a page has: an answer about something
    /// else must not pass for an empty list.
    fn items<D: DeserializeOwned, T>(
        mut self,
        what: &str,
        read: impl Fn(D) -> Result<T, String>,
    ) -> Result<Vec<T>, Failure> {
        let unreadable = |why: String| Failure::Unreadable(format!("not a list of {what} ({why})"));
        let documents: Vec<D> = match self.0.remove("value") {
            Some(value) => serde_json::from_value(value).map_err(|error| unreadable(error.to_string()))?,
            None if !self.0.is_empty() && self.0.keys().all(|key| key.starts_with('@') || key == "nextlink") => {
                Vec::new()
            }
            None => return Err(unreadable("`value` is missing".to_owned())),
        };
        documents.into_iter().map(read).collect::<Result<_, _>>().map_err(Failure::Unreadable)
    }
}

/// Reads a list, page after page.
pub(in crate::portal) struct Pages<'a, R> {
    requests: &'a R,
    origin: Url,
    prefix: &'static str,
    next: Option<String>,
    seen: HashSet<String>,
    /// How many were read to their end.
    count: usize,
    bytes: usize,
}

impl<'a, R: Requests> Pages<'a, R> {
    /// A list that begins at a path and query. Every page lies on the same origin and below the prefix.
    pub fn new(requests: &'a R, origin: &PortalOrigin, prefix: &'static str, first: String) -> Self {
        let (origin, seen) = (origin.url(), HashSet::new());
        Self { requests, origin, prefix, next: Some(first), seen, count: 0, bytes: 0 }
    }

    /// Everything in the list.
    pub async fn all<D: DeserializeOwned, T>(
        mut self,
        what: &str,
        read: impl Fn(D) -> Result<T, String>,
    ) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        while let Some(items) = self.next(what, &read).await? {
            all.extend(items);
        }
        Ok(all)
    }

    /// Whether there is another page.
    pub const fn has_more(&self) -> bool {
        self.next.is_some()
    }

    /// What is on the next page; none: there are no more.
    pub async fn next<D: DeserializeOwned, T>(
        &mut self,
        what: &str,
        read: impl Fn(D) -> Result<T, String>,
    ) -> Result<Option<Vec<T>>, Failure> {
        let Some(path) = self.next.take() else { return Ok(None) };
        match self.page(path).await.and_then(|page| page.items(what, read)) {
            Ok(items) => {
                self.count += 1;
                Ok(Some(items))
            }
            Err(failure) if self.count == 0 => Err(failure),
            Err(failure) => Err(Failure::Incomplete { pages: self.count, cause: Box::new(failure) }),
        }
    }

    async fn page(&mut self, path: String) -> Result<JsonPage, Failure> {
        let unreadable = |why: &str| Failure::Unreadable(why.to_owned());
        if self.count >= MAX_PAGES {
            return Err(unreadable(&format!("the list has more than {MAX_PAGES} pages")));
        }
        let answer = self.requests.get(&path, Wanted::Body).await?;
        self.bytes += answer.body.len();
        if self.bytes > MAX_LIST_BYTES {
            return Err(unreadable("the list is larger than 64 MiB"));
        }
        let page = JsonPage::read(&answer.body)?;
        for link in page.links() {
            let link = link.as_str().and_then(|link| self.resolve(link, &path));
            let link = link.ok_or_else(|| unreadable("the link to the next page leads elsewhere"))?;
            match &self.next {
                None => self.next = Some(link),
                Some(other) if *other == link => {}
                // Whichever is followed, what is on the other page would be missing.
                Some(_) => return Err(unreadable("it names two next pages")),
            }
        }
        self.seen.insert(path);
        if self.next.as_ref().is_some_and(|next| self.seen.contains(next)) {
            return Err(unreadable("the link to the next page leads back to an earlier one"));
        }
        Ok(page)
    }

    /// Path and query of a link: absolute, or relative to the origin, with or without a slash in front, or to the page
    /// that it stands on.
    fn resolve(&self, link: &str, page: &str) -> Option<String> {
        // What a URL parser repairs (backslashes, tabs, dots) two parsers may repair differently.
        let is_plain = link.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#');
        // A colon before the first slash would be that of a scheme.
        let is_scheme = !link.contains("://") && link.split(['/', '?']).next()?.contains(':');
        if !is_plain || is_scheme || link.starts_with("//") {
            return None;
        }
        let (own, _) = page.split_once('?').unwrap_or((page, ""));
        let (folder, _) = own.rsplit_once('/')?;
        let whole = if link.contains("://") {
            Cow::Borrowed(link)
        } else if link.starts_with('?') {
            Cow::Owned(format!("{own}{link}"))
        } else if link.starts_with('/') || format!("/{link}").starts_with(self.prefix) {
            Cow::Owned(format!("/{}", link.trim_start_matches('/')))
        } else {
            Cow::Owned(format!("{folder}/{link}"))
        };
        let url = self.origin.join(&whole).ok()?;
        let path = whole.split_once("://").map_or(&*whole, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
        let path = path.split('?').next().unwrap_or_default();
        let is_own = url[..Position::BeforePath] == self.origin[..Position::BeforePath]
            && url.path().starts_with(self.prefix)
            && url.path() == path;
        is_own.then(|| url[Position::BeforePath..].to_owned())
    }
}
