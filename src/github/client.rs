//! Calls to GitHub's API, by octocrab.
//!
//! Owns deadlines and repetition: reads are tried again, writes never are, because a write
//! whose answer was lost may have been carried out. octocrab's own retries are not built in.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Uri;
use http::header::{HeaderValue, USER_AGENT};
use octocrab::service::middleware::auth_header::AuthHeaderLayer;
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::{AuthState, Octocrab, OctocrabBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::service::ReqwestService;
use super::{Place, Repository};
use crate::domain::{first_cause, is_loopback};
use crate::http_client::{self, CONNECT_TIME, Route};

/// How long one call may take.
const CALL_TIME: Duration = Duration::from_secs(20);

/// The longest that GitHub may ask to wait before a read is tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Why GitHub did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GitHubError {
    /// It was not asked: the address, the token or the repository is not one.
    #[error("{0}")]
    Settings(String),
    /// It said no.
    #[error("GitHub answered {status} ({message}){}", advice(*.status))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// GitHub's message.
        message: String,
        /// How long it asks to wait.
        wait: Option<Duration>,
    },
    /// It said nothing, or nothing that could be read.
    #[error("no answer from GitHub ({0})")]
    NoAnswer(String),
    /// There is not exactly one pull request.
    #[error("{0}")]
    NoPullRequest(String),
    /// It can't be told that this was approved.
    #[error("{0}")]
    NotApproved(String),
}

impl GitHubError {
    /// Whether the same read may well succeed a moment later.
    fn is_transient(&self) -> bool {
        match self {
            Self::NoAnswer(_) => true,
            Self::Refused { status, wait, .. } => {
                *status >= 500 || *status == 429 || (*status == 403 && wait.is_some())
            }
            Self::Settings(_) | Self::NoPullRequest(_) | Self::NotApproved(_) => false,
        }
    }

    /// Whether it is a clear no.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if *status < 500)
    }
}

const fn advice(status: u16) -> &'static str {
    match status {
        401 => "; the token is missing or not valid",
        403 => "; the token may not do this: the job needs `pull-requests: write`, which it never has for a fork",
        404 => "; there is no such thing, or the token may not see it",
        429 => "; too many requests",
        _ => "",
    }
}

/// A pull request, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// `open` or `closed`.
    pub state: String,
    /// Its last commit.
    pub head: Head,
}

/// A commit of a pull request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct Head {
    /// Its hash.
    pub sha: String,
}

/// GitHub, for one repository.
pub struct GitHub {
    octocrab: Octocrab,
    repository: Repository,
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
        let base: Uri = api_url
            .trim_end_matches('/')
            .parse()
            .map_err(|error| wrong(format!("GITHUB_API_URL is not a URL ({error})")))?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
            wrong("the token for GitHub holds characters that can't stand in an HTTP header".to_owned())
        })?;
        authorization.set_sensitive(true);
        let route = if loopback { Route::Direct } else { Route::Proxied };
        let client = http_client::client(&route, CONNECT_TIME, 4)
            .map_err(|error| wrong(format!("TLS can't be set up on this machine ({})", first_cause(&error))))?;
        let headers = vec![(USER_AGENT, HeaderValue::from_static(http_client::USER_AGENT))];
        let Ok(octocrab) = OctocrabBuilder::new_empty()
            .with_service(ReqwestService(client))
            .with_layer(&ExtraHeadersLayer::new(Arc::new(headers)))
            .with_layer(&BaseUriLayer::new(base.clone()))
            .with_layer(&AuthHeaderLayer::new(Some(authorization), base.clone(), base))
            .with_auth(AuthState::None)
            .build();
        Ok(Self { octocrab, repository })
    }

    /// A path below the repository.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/repos/{}/{}{rest}", self.repository.owner, self.repository.name)
    }

    /// Reads, again where that may help.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, GitHubError> {
        let pauses =
            ExponentialBuilder::default().with_min_delay(Duration::from_millis(300)).with_max_times(3).with_jitter();
        let read = || in_time(self.octocrab.get(path, None::<&()>));
        read.retry(pauses)
            .when(GitHubError::is_transient)
            .adjust(|error, pause| match error {
                GitHubError::Refused { wait: Some(wait), .. } if *wait > LONGEST_WAIT => None,
                GitHubError::Refused { wait: Some(wait), .. } => pause.map(|pause| pause.max(*wait)),
                _ => pause,
            })
            .await
    }

    /// Writes, once.
    pub(super) async fn post<B: Serialize, T: DeserializeOwned>(&self, path: &str, body: &B) -> Result<T, GitHubError> {
        once_allowed(|| in_time(self.octocrab.post(path, Some(body)))).await
    }

    /// Changes, once.
    pub(super) async fn patch<B: Serialize, T: DeserializeOwned>(
        &self,
        path: &str,
        body: &B,
    ) -> Result<T, GitHubError> {
        once_allowed(|| in_time(self.octocrab.patch(path, Some(body)))).await
    }

    /// Deletes, once. What is gone already is as good as deleted.
    pub(super) async fn delete(&self, path: &str) -> Result<(), GitHubError> {
        let delete = || {
            in_time(async {
                octocrab::map_github_error(self.octocrab._delete(path, None::<&()>).await?).await.map(drop)
            })
        };
        match once_allowed(delete).await {
            Err(GitHubError::Refused { status: 404 | 410, .. }) => Ok(()),
            other => other,
        }
    }

    /// A file as it is in a commit; none where there is no such file, or it is too large to be given.
    ///
    /// # Errors
    /// When GitHub does not tell.
    pub async fn file(&self, path: &str, commit: &str) -> Result<Option<Vec<u8>>, GitHubError> {
        #[derive(serde::Deserialize)]
        struct Content {
            #[serde(default)]
            encoding: String,
            #[serde(default)]
            content: String,
        }
        let segments: Vec<String> = path
            .split('/')
            .map(|part| url::form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>().replace('+', "%20"))
            .collect();
        let commit: String = url::form_urlencoded::byte_serialize(commit.as_bytes()).collect();
        let path = self.path(&format!("/contents/{}?ref={commit}", segments.join("/")));
        match self.get::<Content>(&path).await {
            Ok(content) if content.encoding == "base64" => {
                let plain: String = content.content.chars().filter(|c| !c.is_ascii_whitespace()).collect();
                Ok(BASE64.decode(plain).ok())
            }
            Ok(_) | Err(GitHubError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A pull request as it is now.
    ///
    /// # Errors
    /// When GitHub does not tell.
    pub async fn read_pull_request(&self, number: u64) -> Result<PullRequest, GitHubError> {
        self.get(&self.path(&format!("/pulls/{number}"))).await
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

    /// The number of the pull request at a place.
    ///
    /// # Errors
    /// When there is none, when there are several, when GitHub does not tell.
    pub async fn pull_request(&self, place: &Place) -> Result<u64, GitHubError> {
        #[derive(serde::Deserialize)]
        struct Pull {
            number: u64,
            merge_commit_sha: Option<String>,
        }
        let (pulls, what): (Vec<Pull>, String) = match place {
            Place::Number(number) => return Ok(*number),
            Place::None(why) => return Err(GitHubError::NoPullRequest(why.clone())),
            Place::Commit(sha) => {
                let mut pulls: Vec<Pull> = self.all(&self.path(&format!("/commits/{sha}/pulls"))).await?;
                // A commit can be in several; the one that it is the merge of is meant.
                if pulls.iter().filter(|pull| pull.merge_commit_sha.as_deref() == Some(sha)).count() == 1 {
                    pulls.retain(|pull| pull.merge_commit_sha.as_deref() == Some(sha));
                }
                (pulls, format!("the commit {sha}"))
            }
            Place::Branch(branch) => {
                let query: String = url::form_urlencoded::byte_serialize(branch.as_bytes()).collect();
                (
                    self.all(&self.path(&format!("/pulls?state=open&head={query}"))).await?,
                    format!("the branch {branch}"),
                )
            }
        };
        match pulls.as_slice() {
            [one] => Ok(one.number),
            [] => {
                Err(GitHubError::NoPullRequest(format!("{what} belongs to no pull request; name it by --pull-request")))
            }
            several => {
                let numbers: Vec<String> = several.iter().map(|pull| format!("#{}", pull.number)).collect();
                let numbers = numbers.join(", ");
                Err(GitHubError::NoPullRequest(format!(
                    "{what} belongs to several pull requests ({numbers}); name one by --pull-request"
                )))
            }
        }
    }
}

/// A call, within its time.
async fn in_time<T>(call: impl Future<Output = octocrab::Result<T>>) -> Result<T, GitHubError> {
    match tokio::time::timeout(CALL_TIME, call).await {
        Ok(answer) => answer.map_err(|error| failure(&error)),
        Err(_) => Err(GitHubError::NoAnswer(format!("none within {} s", CALL_TIME.as_secs()))),
    }
}

/// A write, and once more where GitHub has said that it did not do it and when it would.
async fn once_allowed<T, F: Future<Output = Result<T, GitHubError>>>(write: impl Fn() -> F) -> Result<T, GitHubError> {
    match write().await {
        Err(GitHubError::Refused { status: 403 | 429, wait: Some(wait), .. }) if wait <= LONGEST_WAIT => {
            tokio::time::sleep(wait).await;
            write().await
        }
        other => other,
    }
}

fn failure(error: &octocrab::Error) -> GitHubError {
    match error {
        octocrab::Error::GitHub { source, .. } => {
            let header = |name: &str| {
                let text = source.headers.as_ref()?.get(name)?.to_str().ok()?;
                text.parse::<u64>().ok()
            };
            let exhausted = header("x-ratelimit-remaining") == Some(0);
            // Without a number of seconds a spent primary limit lasts longer than a run waits.
            let wait = header("retry-after").or(exhausted.then_some(u64::MAX)).map(Duration::from_secs);
            let message = source.message.chars().take(300).collect();
            GitHubError::Refused { status: source.status_code.as_u16(), message, wait }
        }
        other => GitHubError::NoAnswer(first_cause(other).chars().take(300).collect()),
    }
}
