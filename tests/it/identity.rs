//! Sign-in: which credential, what is asked of whom, and that nothing of it is shown.
//!
//! Below the front door `SignIn` is given an HTTP client of the tests; through it the program runs
//! with the real names of its authorities, in an internet of the tests.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, HttpClient, Request};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cancel_pending::domain::PortalKind;
use cancel_pending::identity::{Cloud, Method, Settings, SignIn, SignInTarget, choose};
use cancel_pending::portal::Credential as _;
use secrecy::SecretString;
use serde_json::json;

use crate::support::raw::{RawPortal, answer};
use crate::support::tls::{Internet, Seen};
use crate::support::{Run, Workspace};

const SECRET: &str = "canary-secret-4711";
const REQUEST_TOKEN: &str = "canary-request-4712";
const ASSERTION: &str = "canary-assertion-4713";
/// Part of every access token.
const ACCESS: &str = "canary-access";

const ALL: [&str; 4] = [SECRET, REQUEST_TOKEN, ASSERTION, ACCESS];

type Script = dyn Fn(&str, &str) -> (u16, String) + Send + Sync;

/// A fake Entra and a fake OIDC endpoint, behind the transport hook of Azure's crate.
struct Fake {
    script: Box<Script>,
    calls: Mutex<Vec<String>>,
}

impl fmt::Debug for Fake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fake")
    }
}

#[async_trait::async_trait]
impl HttpClient for Fake {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let body = String::from_utf8(azure_core::Bytes::from(request.body()).to_vec()).expect("text");
        self.calls.lock().expect("a lock").push(format!("{} {body}", request.url()));
        // Others get a chance to ask at the same time.
        tokio::task::yield_now().await;
        let (status, body) = (self.script)(request.url().as_str(), &body);
        Ok(AsyncRawResponse::from_bytes(status.into(), Headers::new(), body))
    }
}

impl Fake {
    fn new(script: impl Fn(&str, &str) -> (u16, String) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { script: Box::new(script), calls: Mutex::default() })
    }

    fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Numbers its tokens, and lets them live for so many seconds.
fn entra(seconds: i64) -> Arc<Fake> {
    let count = Mutex::new(0);
    Fake::new(move |url, _| {
        if url.contains("githubusercontent") {
            return (200, json!({"value": ASSERTION}).to_string());
        }
        let mut count = count.lock().expect("a lock");
        *count += 1;
        (200, json!({"token_type": "Bearer", "expires_in": seconds, "access_token": format!("t{count}")}).to_string())
    })
}

fn settings() -> Settings {
    Settings {
        client_id: Some("app".to_owned()),
        tenant_id: Some("contoso.com".to_owned()),
        client_secret: Some(SecretString::from(SECRET)),
        request_url: Some("https://oidc.actions.githubusercontent.com/token?api-version=2".to_owned()),
        request_token: Some(SecretString::from(REQUEST_TOKEN)),
        ..Settings::default()
    }
}

fn sign_in(method: Method, cloud: Cloud, http: &Arc<Fake>) -> SignIn {
    let kind = PortalKind::CloudPartner;
    let target = SignInTarget { kind, origin: kind.microsoft(), in_use: vec![kind] };
    let source = choose(&settings(), Some(method), &target).expect("a credential");
    SignIn::with_http(source, cloud, kind.scope(), Arc::new(|_: &str| {}), Arc::clone(http) as _)
}

async fn token(sign_in: &SignIn) -> String {
    sign_in.current().await.expect("a token").0.expose().to_owned()
}

#[tokio::test]
async fn one_token_for_all_who_ask() {
    let http = entra(3_600);
    let sign_in = sign_in(Method::ClientSecret, Cloud::Public, &http);
    let all = futures_util::future::join_all((0..50).map(|_| token(&sign_in))).await;
    assert!(all.iter().all(|token| token == "t1"));
    let calls = http.calls();
    assert_eq!(calls.len(), 1);
    assert!(calls[0].starts_with("https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token "), "{calls:?}");
    assert!(calls[0].contains("scope=https%3A%2F%2Fcloudpartner.azure.com%2F.default"), "{calls:?}");
}

#[tokio::test]
async fn the_authority_follows_from_the_cloud() {
    for (cloud, host) in [
        (Cloud::Public, "https://login.microsoftonline.com/"),
        (Cloud::UsGovernment, "https://login.microsoftonline.us/"),
        (Cloud::China, "https://login.chinacloudapi.cn/"),
    ] {
        let http = entra(3_600);
        token(&sign_in(Method::ClientSecret, cloud, &http)).await;
        assert!(http.calls()[0].starts_with(host));
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    // It is over as soon as it is there.
    let http = entra(0);
    let sign_in = sign_in(Method::ClientSecret, Cloud::Public, &http);
    assert_eq!((token(&sign_in).await, token(&sign_in).await), ("t1".to_owned(), "t2".to_owned()));
    // One that lives shorter than the usual margin is used for half its life, and not thrown away.
    let http = entra(120);
    let sign_in = self::sign_in(Method::ClientSecret, Cloud::Public, &http);
    assert_eq!((token(&sign_in).await, token(&sign_in).await), ("t1".to_owned(), "t1".to_owned()));
}

#[tokio::test]
async fn each_exchange_has_a_fresh_assertion() {
    let http = entra(0);
    let sign_in = sign_in(Method::GitHubOidc, Cloud::Public, &http);
    token(&sign_in).await;
    token(&sign_in).await;
    let calls = http.calls();
    assert_eq!(calls.len(), 4);
    let asked =
        "https://oidc.actions.githubusercontent.com/token?api-version=2&audience=api%3A%2F%2FAzureADTokenExchange ";
    assert_eq!((calls[0].as_str(), calls[2].as_str()), (asked, asked));
    assert!(calls[1].contains(&format!("client_assertion={ASSERTION}")), "{calls:?}");
    assert!(calls.iter().all(|call| !call.contains(SECRET)), "the secret is not sent where it is not chosen");
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_renewed_once() {
    let http = entra(3_600);
    let sign_in = sign_in(Method::ClientSecret, Cloud::Public, &http);
    let (first, _) = sign_in.current().await.expect("a token");
    let all = futures_util::future::join_all((0..20).map(|_| sign_in.renew(&first))).await;
    assert!(all.into_iter().all(|token| token.expect("a token").expose() == "t2"));
    assert_eq!(http.calls().len(), 2, "who comes later is given the one that was renewed");
    let (second, _) = sign_in.current().await.expect("a token");
    let error = sign_in.renew(&second).await.expect_err("a renewed one was not accepted either");
    assert!(error.to_string().contains("does not accept a fresh token either"));
    assert_eq!(http.calls().len(), 2);
}

#[tokio::test]
async fn a_failure_is_one_failure_and_keeps_the_code() {
    let description = "AADSTS7000222: The provided client secret keys for app 'app' are expired.\r\nTrace ID: 1\r\n";
    let body = json!({"error": "invalid_client", "error_description": description, "error_codes": [7_000_222]});
    let http = Fake::new(move |_, _| (401, body.to_string()));
    let sign_in = sign_in(Method::ClientSecret, Cloud::Public, &http);
    let all = futures_util::future::join_all((0..50).map(|_| sign_in.current())).await;
    for result in all {
        let error = result.expect_err("no token").to_string();
        assert!(error.contains("AADSTS7000222") && error.contains("the secret has expired"), "{error}");
        assert!(!error.contains("Trace ID") && !error.contains(SECRET), "{error}");
    }
    assert_eq!(http.calls().len(), 1);
}

#[tokio::test]
async fn what_the_oidc_endpoint_refuses_is_said() {
    for (status, body, said) in
        [(403, "{}", "id-token: write"), (500, "{}", "answered 500; try again"), (200, "<html>", "holds no token")]
    {
        let http = Fake::new(move |_, _| (status, body.to_owned()));
        let error =
            sign_in(Method::GitHubOidc, Cloud::Public, &http).current().await.expect_err("no token").to_string();
        assert!(error.contains(said) && !error.contains(REQUEST_TOKEN), "{error}");
        assert_eq!(http.calls().len(), 1, "Entra is not asked without an assertion");
    }
}

/// A token with claims.
fn jwt(number: usize) -> String {
    let claims = json!({"tid": "tenant-1", "appid": "app-1", "oid": "object-1", "exp": 4_102_444_800_i64});
    format!("{ACCESS}-{number}.{}.s", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// Entra, GitHub and a portal on which nothing runs. The portal accepts the tokens from this number on.
fn internet(accepted_from: usize) -> Internet {
    Internet::start(move |request: &Seen, before: &[Seen]| match request.host.as_str() {
        "oidc.actions.githubusercontent.com" => {
            assert_eq!(request.authorization, format!("Bearer {REQUEST_TOKEN}"));
            (200, json!({"value": ASSERTION}).to_string())
        }
        "cloudpartner.azure.com" => {
            let number = request.authorization.split(['-', '.']).find_map(|part| part.parse::<usize>().ok());
            if number.is_none_or(|number| number < accepted_from) {
                return (401, "{}".to_owned());
            }
            (200, "[]".to_owned())
        }
        _ => {
            let number = 1 + before.iter().filter(|seen| seen.host.starts_with("login.")).count();
            (200, json!({"token_type": "Bearer", "expires_in": 3_600, "access_token": jwt(number)}).to_string())
        }
    })
}

fn workspace() -> Workspace {
    Workspace::with(
        "offers.yaml",
        "publisher: contoso\noffers:\n  - {id: vm, cancelPending: true}\n  - {id: b, cancelPending: true}\n",
    )
}

fn with_secret(command: &mut std::process::Command) -> &mut std::process::Command {
    command.env("AZURE_CLIENT_ID", "app").env("AZURE_TENANT_ID", "contoso.com").env("AZURE_CLIENT_SECRET", SECRET)
}

fn with_oidc(command: &mut std::process::Command) -> &mut std::process::Command {
    command
        .env("AZURE_CLIENT_ID", "app")
        .env("AZURE_TENANT_ID", "contoso.com")
        .env("ACTIONS_ID_TOKEN_REQUEST_URL", "https://oidc.actions.githubusercontent.com/token?x=1")
        .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", REQUEST_TOKEN)
}

fn run(command: &mut std::process::Command, arguments: &[&str]) -> Run {
    Run::of(command.args(arguments).output().expect("it runs"))
}

fn assert_nothing_shown(workspace: &Workspace, run: &Run) {
    let mut texts = vec![run.stdout.clone(), run.stderr.clone()];
    let mut directories = vec![workspace.directory.path().to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                directories.push(entry);
            } else {
                texts.push(std::fs::read_to_string(entry).unwrap_or_default());
            }
        }
    }
    for canary in ALL {
        for text in &texts {
            assert!(!text.contains(canary), "{canary} in {text}");
        }
    }
}

#[test]
fn whoami_tells_all_but_the_token() {
    let (workspace, internet) = (workspace(), internet(1));
    // The authority is not taken from a variable, whoever set it.
    let mut command = internet.command(&workspace);
    command.env("AZURE_AUTHORITY_HOST", "https://evil.example");
    let run = run(with_secret(&mut command), &["whoami"]).expect(0);
    let shown: Vec<&str> = run.stdout.lines().filter(|line| !line.starts_with("expiry")).collect();
    assert_eq!(
        shown,
        [
            "portal      cloud-partner",
            "endpoint    https://cloudpartner.azure.com",
            "credential  client-secret",
            "tenant      tenant-1",
            "client ID   app-1",
            "object ID   object-1",
            "audience    unknown (not in the token)",
            "publisher   contoso: readable, 0 offers",
        ]
    );
    assert!(run.stdout.contains("expiry      2100-01-01T00:00:00Z (in "));
    assert_nothing_shown(&workspace, &run);
    let hosts: Vec<String> = internet.seen().into_iter().map(|seen| seen.host).collect();
    assert_eq!(hosts, ["login.microsoftonline.com", "cloudpartner.azure.com"]);
    let mut command = internet.command(&workspace);
    let json =
        self::run(with_secret(&mut command), &["whoami", "--format", "json", "--cloud", "china"]).expect(0).json();
    assert_eq!(json["credential"], "client-secret");
    assert_eq!(internet.to("login.chinacloudapi.cn").len(), 1);
}

/// A token for these audiences, as the Azure CLI makes one for whatever it is asked for.
fn jwt_for(audience: &serde_json::Value) -> String {
    format!("{ACCESS}.{}.s", URL_SAFE_NO_PAD.encode(json!({"aud": audience, "exp": 4_102_444_800_i64}).to_string()))
}

#[test]
fn a_token_for_another_audience_is_refused_before_any_call() {
    let (workspace, internet) = (workspace(), internet(0));
    for other in [json!("https://graph.microsoft.com"), json!(["00000003-0000-0000-c000-000000000000"])] {
        for variable in ["CANCEL_PENDING_TOKEN", "CANCEL_PENDING_TOKEN_CLOUD_PARTNER"] {
            for command_name in ["plan", "whoami"] {
                let mut command = internet.command(&workspace);
                let run = run(command.env(variable, jwt_for(&other)), &[command_name]).expect(1);
                let audience = other.as_str().unwrap_or("00000003-0000-0000-c000-000000000000");
                assert_eq!(
                    run.stderr,
                    format!(
                        "error: the token in {variable} is for {audience}, and cloud-partner needs one for \
                         https://cloudpartner.azure.com\n"
                    )
                );
                assert_nothing_shown(&workspace, &run);
            }
        }
    }
    assert_eq!(internet.seen().len(), 0);
    // Its own, in any of its forms, and what can't be read, are for the portal to judge.
    for good in [json!("https://cloudpartner.azure.com"), json!("https://cloudpartner.azure.com/"), json!(null)] {
        let mut command = internet.command(&workspace);
        run(command.env("CANCEL_PENDING_TOKEN", jwt_for(&good)), &["whoami"]);
    }
    assert_eq!(internet.to("cloudpartner.azure.com").len(), 3);
}

#[test]
fn entra_signs_in_to_microsofts_endpoints_only() {
    let (workspace, internet) = (workspace(), internet(1));
    let portal = RawPortal::start(|_, stream| answer(stream, "200 OK", &[], b"[]"));
    for (more, auth) in [(&[][..], "auto"), (&["--auth", "client-secret"], "client-secret")] {
        let mut command = internet.command(&workspace);
        let arguments = [&["plan", "--endpoint", &portal.url], more].concat();
        let run = run(with_secret(&mut command), &arguments).expect(1);
        let expected = format!("error: {} is not Microsoft's endpoint for cloud-partner", portal.url);
        assert!(run.stderr.starts_with(&expected), "{auth}: {}", run.stderr);
        assert!(run.stderr.contains("set CANCEL_PENDING_TOKEN to a bearer token"), "{}", run.stderr);
        assert_nothing_shown(&workspace, &run);
    }
    assert_eq!((internet.seen().len(), portal.requests()), (0, 0));
    // A token that is given is taken there, whatever it is for.
    let mut command = internet.command(&workspace);
    with_secret(&mut command).env("CANCEL_PENDING_TOKEN", jwt_for(&json!("https://graph.microsoft.com")));
    let run = run(&mut command, &["whoami", "--endpoint", &portal.url]).expect(0);
    assert!(run.stdout.contains("credential  token (CANCEL_PENDING_TOKEN)\n"), "{}", run.stdout);
    assert!(
        run.stdout.contains(
            "audience    https://graph.microsoft.com (Microsoft's cloud-partner needs https://cloudpartner.azure.com)\n"
        ),
        "{}",
        run.stdout
    );
}

#[test]
fn whoami_says_what_a_refusal_means() {
    let workspace = workspace();
    for (status, expected) in [
        ("401 Unauthorized", "401 means that cloud-partner rejected the token"),
        ("403 Forbidden", "403 means that cloud-partner accepted the token, and the account has no permission"),
    ] {
        let portal = RawPortal::start(move |_, stream| answer(stream, status, &[], b"{}"));
        let run = workspace.run(["whoami", "--endpoint", &portal.url]).expect(1);
        assert!(run.stdout.contains("audience    unknown (opaque token)\n"), "{}", run.stdout);
        assert_eq!(run.stdout.matches(expected).count(), 1, "{}", run.stdout);
        assert!(run.stdout.contains("with the role Manager"), "{}", run.stdout);
        let json = workspace.run(["whoami", "--endpoint", &portal.url, "--format", "json"]).expect(1).json();
        assert_eq!(json["portals"][0]["kind"], "cloud-partner");
        assert_eq!((&json["portal"], &json["portals"][0]["portal"]), (&json!(portal.url), &json!(portal.url)));
    }
}

#[test]
fn certificates_are_said_not_to_be_supported() {
    let (workspace, internet) = (workspace(), internet(1));
    let mut command = internet.command(&workspace);
    command.env("AZURE_CLIENT_ID", "app").env("AZURE_TENANT_ID", "contoso.com");
    let run = run(command.env("AZURE_CLIENT_CERTIFICATE_PATH", "app.pem"), &["plan"]).expect(1);
    assert!(run.stderr.contains("signing in by certificate is not supported"), "{}", run.stderr);
    assert_eq!(internet.seen().len(), 0);
}

#[test]
fn a_plan_by_githubs_oidc_signs_in_once() {
    let (workspace, internet) = (workspace(), internet(1));
    for (log, number) in [("text", 1), ("json", 2)] {
        let mut command = internet.command(&workspace);
        let arguments = ["plan", "--out", "plan.json", "-vvv", "--log-format", log];
        let run = run(with_oidc(&mut command), &arguments).expect(0);
        assert!(run.stderr.contains("github-oidc"), "the choice is said: {}", run.stderr);
        assert_nothing_shown(&workspace, &run);
        assert_eq!(internet.to("login.microsoftonline.com").len(), number);
    }
    let exchange = &internet.to("login.microsoftonline.com")[0];
    assert!(exchange.body.contains(&format!("client_assertion={ASSERTION}")));
    assert!(internet.to("cloudpartner.azure.com").iter().all(|seen| seen.authorization.contains(ACCESS)));
}

#[test]
fn the_portal_that_does_not_accept_a_token_gets_one_fresh_one() {
    let (workspace, internet) = (workspace(), internet(2));
    let mut command = internet.command(&workspace);
    let run = run(with_oidc(&mut command), &["plan", "--concurrency", "1"]).expect(0);
    assert_nothing_shown(&workspace, &run);
    assert_eq!(internet.to("login.microsoftonline.com").len(), 2);
    assert_eq!(internet.to("cloudpartner.azure.com").len(), 3, "one of two offers was asked about twice");
    // And no more than one, where that is not accepted either.
    let internet = self::internet(99);
    let mut command = internet.command(&workspace);
    let run = self::run(with_oidc(&mut command), &["plan", "--concurrency", "1"]).expect(1);
    assert!(run.stdout.contains("401 Unauthorized"), "{}", run.stdout);
    assert_eq!(internet.to("login.microsoftonline.com").len(), 2);
}

#[test]
fn in_actions_every_secret_that_is_fetched_is_masked_as_soon_as_it_is_known() {
    let (workspace, internet) = (workspace(), internet(1));
    let mut command = internet.command(&workspace);
    let run = run(with_oidc(&mut command).env("GITHUB_ACTIONS", "true"), &["plan", "-v"]).expect(0);
    let masked: Vec<&str> = run.stderr.lines().filter_map(|line| line.strip_prefix("::add-mask::")).collect();
    // What was given is hidden by the runner, or by nobody if it is shown: so it is not.
    assert_eq!(masked, [ASSERTION, &jwt(1)]);
    // The runner keeps those lines to itself.
    let kept = run.stderr.lines().filter(|line| !line.starts_with("::add-mask::")).collect::<Vec<_>>().join("\n");
    assert_nothing_shown(&workspace, &Run { stderr: kept, ..run });
    let mut command = internet.command(&workspace);
    let run =
        self::run(with_secret(&mut command).env("GITHUB_ACTIONS", "true"), &["plan", "--format", "json"]).expect(0);
    assert_eq!(run.stderr.matches("::add-mask::").count(), 1);
    assert!(run.stderr.starts_with(&format!("::add-mask::{}\n", jwt(2))), "{}", run.stderr);
    assert!(!run.stderr.contains(SECRET));
    run.json();
    // No runner reads a file.
    let mut command = internet.command(&workspace);
    let captured = std::fs::File::create(workspace.path("captured")).expect("a file");
    with_secret(&mut command).env("GITHUB_ACTIONS", "true").args(["plan", "-v"]).stderr(captured);
    let status = command.stdout(std::process::Stdio::null()).status().expect("it runs");
    assert!(status.success());
    assert_nothing_shown(
        &workspace,
        &Run { status: Some(0), stdout: String::new(), stderr: workspace.read("captured") },
    );
}

#[test]
fn an_untrusted_certificate_ends_it() {
    let (workspace, internet) = (workspace(), internet(1));
    let other = self::internet(1);
    let mut command = internet.command(&workspace);
    other.command(&workspace);
    let run = run(with_secret(&mut command), &["plan"]).expect(1);
    assert!(run.stderr.contains("certificate") || run.stderr.contains("UnknownIssuer"), "{}", run.stderr);
    assert_eq!(internet.seen().len(), 0);
    assert_nothing_shown(&workspace, &run);
}

#[test]
fn nobody_signs_in_for_what_needs_no_portal() {
    let (workspace, internet) = (workspace(), internet(1));
    workspace.write("portal.yaml", "offers: [{publisher: contoso, id: vm}]\n");
    for (arguments, status) in [
        (&["validate"][..], 0),
        (&["schema", "plan"], 0),
        (&["plan", "--emulate", "portal.yaml"], 1),
        (&["plan", "--offline"], 0),
        (&["whoami", "--emulate", "portal.yaml"], 0),
    ] {
        let mut command = internet.command(&workspace);
        // Half set, which would be an error if anybody looked.
        run(command.env("AZURE_CLIENT_ID", "app"), arguments).expect(status);
    }
    assert_eq!(internet.seen().len(), 0);
}

#[cfg(unix)]
#[test]
fn the_azure_cli_is_asked_once() {
    use std::os::unix::fs::PermissionsExt as _;
    let (workspace, internet) = (workspace(), internet(1));
    let token = jwt(7);
    workspace.write(
        "bin/az",
        format!("#!/bin/sh\necho \"$@\" >> {}\necho '{{\"accessToken\": \"{token}\", \"expires_on\": 4102444800, \"tokenType\": \"Bearer\"}}'\n", workspace.path("asked").display()),
    );
    std::fs::set_permissions(workspace.path("bin/az"), std::fs::Permissions::from_mode(0o755)).expect("a program");
    let path = format!("{}:/usr/bin:/bin", workspace.path("bin").display());
    let mut command = internet.command(&workspace);
    run(command.env("PATH", &path), &["plan"]).expect(0);
    assert_eq!(
        workspace.read("asked"),
        "account get-access-token -o json --scope https://cloudpartner.azure.com/.default\n"
    );
    assert_eq!(internet.to("cloudpartner.azure.com").len(), 2);
    workspace.write("bin/az", "#!/bin/sh\necho 'ERROR: Please run az login to setup account.' >&2\nexit 1\n");
    let mut command = internet.command(&workspace);
    let run = run(command.env("PATH", &path), &["plan"]).expect(1);
    assert!(run.stderr.contains("Please run az login"), "{}", run.stderr);
}
