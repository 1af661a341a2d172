//! Calls to GitHub's API, by octocrab.
//!
//! Owns deadlines, repetition and redirects. What may be repeated is: reads, changes and
//! deletions, until GitHub turns out not to answer at all. A creation whose answer was lost may have been carried out, and is repeated only by
//! those who know how to look for it. A rate limit says that nothing was done, so it is waited
//! for whatever the request was. octocrab's own retries are not built in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use http::header::{HeaderValue, USER_AGENT};
use http::{Method, Uri};
use octocrab::service::middleware::auth_header::AuthHeaderLayer;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::Repository;
use super::answer::{GitHubError, RefusalCause};
use super::service::ReqwestService;
use super::wire::{Account, PullRequest};
use crate::domain::{first_cause, is_loopback};
use crate::http_client::{self, CONNECT_TIME, Route, Security};

/// How long one call may take.
const CALL_TIME: Duration = Duration::from_secs(20);

/// The longest that a run waits for rate limits, all together.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How many redirects of one read are followed.
const MOST_REDIRECTS: usize = 3;

/// GitHub, for one repository.
pub struct GitHub {
    octocrab: Octocrab,
    repository: Repository,
    address: Url,
    /// The path of the REST API: empty on github.com, `/api/v3` on a server of one's own.
    rest: String,
    patience: Patience,
    /// Whether a call was not answered, however often it was made: until one is, each is made once.
    is_silent: AtomicBool,
    author: OnceLock<String>,
}

/// How much longer the run may wait for rate limits.
struct Patience(Mutex<Duration>);

impl Patience {
    /// Takes a wait out of what is left, where it fits. What is no wait counts too, so that it ends.
    fn allows(&self, wait: Duration) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rest = left.checked_sub(wait.max(Duration::from_secs(1)));
        *left = rest.unwrap_or(*left);
        rest.is_some()
    }
}

impl GitHub {
    /// Opens no connection yet.
    ///
    /// # Errors
    /// When the address is neither https nor http to loopback, or the token can't be sent.
    pub fn new(api_url: &str, token: &str, repository: Repository) -> Result<Self, GitHubError> {
        let wrong = |text: String| GitHubError::Settings(text);
        let url = Url::parse(api_url).map_err(|error| wrong(format!("GITHUB_API_URL is not a URL ({error})")))?;
        let loopback = is_loopback(&url);
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            return Err(wrong("GITHUB_API_URL must start with https://".to_owned()));
        }
        // The server alone: GraphQL is not below the REST API everywhere.
        let base: Uri = url
            .origin()
            .ascii_serialization()
            .parse()
            .map_err(|error| wrong(format!("GITHUB_API_URL is not a URL ({error})")))?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
            wrong("the token for GitHub holds characters that can't stand in an HTTP header".to_owned())
        })?;
        authorization.set_sensitive(true);
        let route = if loopback { Route::Direct } else { Route::Proxied };
        let security = if url.scheme() == "http" { Security::Plain } else { Security::Tls };
        let client = http_client::client(&route, security, CONNECT_TIME, 4)
            .map_err(|error| wrong(format!("TLS can't be set up on this machine ({})", first_cause(&error))))?;
        let headers = vec![(USER_AGENT, HeaderValue::from_static(http_client::USER_AGENT))];
        let Ok(octocrab) = OctocrabBuilder::new_empty()
            .with_service(ReqwestService(client))
            .with_layer(&ExtraHeadersLayer::new(Arc::new(headers)))
            .with_layer(&BaseUriLayer::new(base.clone()))
            .with_layer(&AuthHeaderLayer::new(Some(authorization), base.clone(), base))
            .with_auth(AuthState::None)
            .build();
        let patience = Patience(Mutex::new(LONGEST_WAIT));
        let rest = url.path().trim_end_matches('/').to_owned();
        let is_silent = AtomicBool::new(false);
        Ok(Self { octocrab, repository, address: url, rest, patience, is_silent, author: OnceLock::new() })
    }

    /// Whether a pull request goes to this repository. One of another has a number that is another one's here.
    pub(super) fn is_here(&self, pull: &PullRequest) -> bool {
        match (self.repository.id, &pull.base.repo) {
            (Some(id), Some(base)) => base.id == id,
            _ => true,
        }
    }

    /// A path below the repository.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("{}/repos/{}/{}{rest}", self.rest, self.repository.owner, self.repository.name)
    }

    /// The path of GraphQL (source: GitHub's pages "Forming calls with GraphQL"): `/graphql` on github.com, and on a
    /// server of one's own `/api/graphql`, beside the REST API at `/api/v3`.
    fn graphql(&self) -> String {
        format!("{}/graphql", self.rest.strip_suffix("/v3").unwrap_or(&self.rest))
    }

    /// Reads.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, GitHubError> {
        self.repeat(&Method::GET, path, true, async |path| self.octocrab.get(path, None::<&()>).await).await
    }

    /// Creates.
    pub(super) async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, GitHubError> {
        let created = self.repeat(&Method::POST, path, false, async |path| self.octocrab.post(path, Some(body)).await);
        self.say_where_to(created.await).await
    }

    /// Changes.
    pub(super) async fn patch<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, GitHubError> {
        let changed = self.repeat(&Method::PATCH, path, true, async |path| self.octocrab.patch(path, Some(body)).await);
        self.say_where_to(changed.await).await
    }

    /// Deletes. What is gone already is as good as deleted.
    pub(super) async fn delete(&self, path: &str) -> Result<(), GitHubError> {
        let delete = async |path: String| {
            octocrab::map_github_error(self.octocrab._delete(path, None::<&()>).await?).await.map(drop)
        };
        match self.repeat(&Method::DELETE, path, true, delete).await {
            Err(GitHubError::Refused { status: 404 | 410, .. }) => Ok(()),
            other => self.say_where_to(other).await,
        }
    }

    /// Makes a call, and again where that can do no harm and may help.
    async fn repeat<T>(
        &self,
        method: &Method,
        path: &str,
        is_idempotent: bool,
        call: impl AsyncFn(String) -> octocrab::Result<T>,
    ) -> Result<T, GitHubError> {
        let mut pauses = pauses().take(if self.is_silent.load(Ordering::Relaxed) { 0 } else { usize::MAX });
        let mut redirects = 0;
        let mut at = path.to_owned();
        loop {
            let error = match tokio::time::timeout(CALL_TIME, call(at.clone())).await {
                Ok(Ok(answer)) => {
                    self.is_silent.store(false, Ordering::Relaxed);
                    return Ok(answer);
                }
                Ok(Err(error)) => GitHubError::of(&error, method, &at),
                Err(_) => GitHubError::NoAnswer(format!("none within {} s", CALL_TIME.as_secs())),
            };
            match &error {
                GitHubError::Refused { cause: RefusalCause::RateLimit(wait), .. } if self.patience.allows(*wait) => {
                    tokio::time::sleep(*wait).await;
                }
                GitHubError::Refused { cause: RefusalCause::Moved(to), .. }
                    if method == Method::GET && redirects < MOST_REDIRECTS =>
                {
                    redirects += 1;
                    at = self.below(to).ok_or(error)?;
                }
                lost if is_idempotent && lost.is_lost() => {
                    let Some(pause) = pauses.next() else {
                        self.is_silent.store(matches!(lost, GitHubError::NoAnswer(_)), Ordering::Relaxed);
                        return Err(error);
                    };
                    tokio::time::sleep(pause).await;
                }
                _ => return Err(error),
            }
        }
    }

    /// An address as a path of this API. None where it leads anywhere else: the token goes nowhere else.
    fn below(&self, address: &str) -> Option<String> {
        let to = self.address.join(address).ok()?;
        let is_below = to.path().strip_prefix(self.rest.as_str()).is_some_and(|path| path.starts_with('/'));
        let query = to.query().map(|query| format!("?{query}")).unwrap_or_default();
        (is_below && to.origin() == self.address.origin()).then(|| format!("{}{query}", to.path()))
    }

    /// A write is not followed to another repository; it is said which one that is.
    async fn say_where_to<T>(&self, written: Result<T, GitHubError>) -> Result<T, GitHubError> {
        #[derive(serde::Deserialize)]
        struct Renamed {
            full_name: String,
        }
        let Err(GitHubError::Refused { cause: RefusalCause::Moved(to), .. }) = written else { return written };
        let renamed = self.get::<Renamed>(&self.path("")).await;
        let from = format!("{}/{}", self.repository.owner, self.repository.name);
        Err(GitHubError::Moved { from, to: renamed.map_or(to, |renamed| renamed.full_name) })
    }

    /// Whose token it is, where GitHub says. The token of an app may not read `/user`, and learns it from GraphQL.
    pub(super) async fn author(&self) -> Option<&str> {
        // A failure is answered with 200 too, and with null in these places.
        #[derive(serde::Deserialize)]
        struct Viewer {
            viewer: Option<Account>,
        }
        #[derive(serde::Deserialize)]
        struct Answered {
            data: Option<Viewer>,
        }
        if self.author.get().is_none() {
            let query = serde_json::json!({ "query": "query { viewer { login } }" });
            let ask = async |path: String| self.octocrab.post(path, Some(&query)).await;
            let answered = self.repeat::<Answered>(&Method::POST, &self.graphql(), true, ask).await.ok();
            let user = match answered.and_then(|answered| answered.data?.viewer) {
                Some(viewer) => Some(viewer),
                None => self.get(&format!("{}/user", self.rest)).await.ok(),
            };
            if let Some(Account { login }) = user {
                self.learn_author(&login);
            }
        }
        self.author.get().map(String::as_str)
    }

    /// Remembers whose token it is, from what a write has answered.
    pub(super) fn learn_author(&self, login: &str) {
        // Known already: a token does not change hands.
        let _ = self.author.set(login.to_owned());
    }

    /// All items of a list, page after page.
    pub(super) async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, GitHubError> {
        const PAGE: usize = 100;
        let mut all = Vec::new();
        for page in 1..=1_000 {
            let sign = if path.contains('?') { '&' } else { '?' };
            let items: Vec<T> = self.get(&format!("{path}{sign}per_page={PAGE}&page={page}")).await?;
            let is_last = items.len() < PAGE;
            all.extend(items);
            if is_last {
                break;
            }
        }
        Ok(all)
    }
}

/// The pauses before a request is sent again.
pub(super) fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default().with_min_delay(Duration::from_millis(300)).with_max_times(3).with_jitter().build()
}

/// Text as one part of a path or a query.
pub(super) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}
