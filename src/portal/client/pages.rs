//! Lists that come in pages.
//!
//! Owns where the link to the next page may lead, when a list is complete, and how much of one is read. A list of which
//! a page is missing is incomplete: what is on that page is not known, and so nothing can be said of what is not found.

use std::collections::HashSet;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::{Position, Url};

use super::exchange::Wanted;
use super::failure::Failure;
use super::json::json;
use super::transport::Requests;
use crate::domain::PortalOrigin;
use crate::portal::{ListWatch, ListedSoFar};

/// The most pages of one list.
const MAX_PAGES: usize = 1_000;

/// The most bytes of one list.
const MAX_LIST_BYTES: usize = 64 * 1024 * 1024;

/// What the link to the next page is called, on the wire and in descriptions.
const LINKS: [&str; 3] = ["nextLink", "@odata.nextLink", "@nextLink"];

/// One page of a list.
#[derive(Debug, Clone)]
pub(in crate::portal) struct JsonPage(Map<String, Value>);

impl JsonPage {
    fn read(body: &[u8]) -> Result<Self, Failure> {
        json(body).map(Self).map_err(|error| Failure::Unreadable(format!("not a page of a list ({error})")))
    }

    /// Where the next page is.
    fn next(&self) -> Option<&Value> {
        let link = |name: &&str| self.field(name).filter(|link| !link.is_null() && link.as_str() != Some(""));
        LINKS.iter().find_map(link)
    }

    /// A field, whatever the letter case of its name.
    fn field(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// What is on it. A page may be without `value`, but not without anything that a page has: an answer about something
    /// else must not pass for an empty list.
    pub fn items<D: DeserializeOwned, T>(
        mut self,
        what: &str,
        read: impl Fn(D) -> Result<T, String>,
    ) -> Result<Vec<T>, Failure> {
        let unreadable = |why: String| Failure::Unreadable(format!("not a list of {what} ({why})"));
        let key = self.0.keys().find(|key| key.eq_ignore_ascii_case("value")).cloned();
        let documents: Vec<D> = match key.and_then(|key| self.0.remove(&key)) {
            Some(value) => serde_json::from_value(value).map_err(|error| unreadable(error.to_string()))?,
            None if !self.0.is_empty()
                && self.0.keys().all(|key| key.starts_with('@') || key.eq_ignore_ascii_case("nextLink")) =>
            {
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
    bytes: usize,
}

impl<'a, R: Requests> Pages<'a, R> {
    /// A list that begins at a path and query. Every page lies on the same origin and below the prefix.
    pub fn new(requests: &'a R, origin: &PortalOrigin, prefix: &'static str, first: String) -> Self {
        Self { requests, origin: origin.url(), prefix, next: Some(first), seen: HashSet::new(), bytes: 0 }
    }

    /// Everything in the list.
    pub async fn all<D: DeserializeOwned, T>(
        mut self,
        what: &str,
        read: impl Fn(D) -> Result<T, String>,
        watch: ListWatch<'_>,
    ) -> Result<Vec<T>, Failure> {
        let mut all = Vec::new();
        while let Some(page) = self.next().await? {
            all.extend(page.items(what, &read)?);
            watch(ListedSoFar { pages: self.seen.len(), offers: all.len() });
        }
        Ok(all)
    }

    /// Whether there is another page.
    pub const fn has_more(&self) -> bool {
        self.next.is_some()
    }

    /// The next page; none: there are no more.
    pub async fn next(&mut self) -> Result<Option<JsonPage>, Failure> {
        let Some(path) = self.next.take() else { return Ok(None) };
        match self.page(path).await {
            Ok(page) => Ok(Some(page)),
            Err(failure) if self.seen.len() <= 1 => Err(failure),
            Err(failure) => Err(Failure::Incomplete { pages: self.seen.len() - 1, cause: Box::new(failure) }),
        }
    }

    async fn page(&mut self, path: String) -> Result<JsonPage, Failure> {
        let unreadable = |why: &str| Failure::Unreadable(why.to_owned());
        if self.seen.len() >= MAX_PAGES {
            return Err(unreadable(&format!("the list has more than {MAX_PAGES} pages")));
        }
        self.seen.insert(path.clone());
        let answer = self.requests.get(&path, Wanted::Body).await?;
        self.bytes += answer.body.len();
        if self.bytes > MAX_LIST_BYTES {
            return Err(unreadable("the list is larger than 64 MiB"));
        }
        let page = JsonPage::read(&answer.body)?;
        if let Some(link) = page.next() {
            let link = link.as_str().and_then(|link| self.resolve(link));
            let link = link.ok_or_else(|| unreadable("the link to the next page leads elsewhere"))?;
            if self.seen.contains(&link) {
                return Err(unreadable("the link to the next page leads back to an earlier one"));
            }
            self.next = Some(link);
        }
        Ok(page)
    }

    /// Path and query of a link: absolute, or relative to the origin, with or without a slash in front.
    fn resolve(&self, link: &str) -> Option<String> {
        // What a URL parser repairs (backslashes, tabs, dots) two parsers may repair differently.
        let is_plain = link.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#');
        if !is_plain || link.starts_with("//") {
            return None;
        }
        let url = match Url::parse(link) {
            Ok(url) => url,
            Err(_) => self.origin.join(&format!("/{}", link.trim_start_matches('/'))).ok()?,
        };
        let path = link.split_once("://").map_or(link, |(_, rest)| rest.find('/').map_or("", |at| &rest[at..]));
        let path = path.split('?').next().unwrap_or_default().trim_start_matches('/');
        let is_own = url[..Position::BeforePath] == self.origin[..Position::BeforePath]
            && url.path().starts_with(self.prefix)
            && url.path().trim_start_matches('/') == path;
        is_own.then(|| url[Position::BeforePath..].to_owned())
    }
}
