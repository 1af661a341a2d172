//! The internet that a sign-in needs: a proxy on loopback that is every host, with TLS and a
//! certificate for each of the real names, signed by an authority that the program is told of.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::Workspace;
use super::raw::{Request, answer, read_request};

const NAMES: [&str; 5] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.chinacloudapi.cn",
    "cloudpartner.azure.com",
    "oidc.actions.githubusercontent.com",
];

/// A request to a host, as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    pub host: String,
    pub body: String,
    pub authorization: String,
}

pub struct Internet {
    proxy: String,
    authority: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Internet {
    /// `script` answers a request with status and JSON; the requests before it are told.
    pub fn start(script: impl Fn(&Seen, &[Seen]) -> (u16, String) + Send + Sync + 'static) -> Self {
        let (authority, config) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let proxy = format!("http://{}", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (shared, script) = (Arc::clone(&seen), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (shared, script, config) = (Arc::clone(&shared), Arc::clone(&script), Arc::clone(&config));
                std::thread::spawn(move || serve(stream, config, &shared, &*script));
            }
        });
        Self { proxy, authority, seen }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The requests to a host.
    pub fn to(&self, host: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.host == host).collect()
    }

    /// The program, in this internet, without any token.
    pub fn command(&self, workspace: &Workspace) -> Command {
        workspace.write("authority.pem", &self.authority);
        let mut command = workspace.command();
        command
            .env_remove("CANCEL_PENDING_TOKEN")
            .env("HTTPS_PROXY", &self.proxy)
            .env("SSL_CERT_FILE", workspace.path("authority.pem"));
        command
    }
}

/// An authority as PEM, and a server with a certificate of it for all the names.
pub fn certificates() -> (String, Arc<ServerConfig>) {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = params.self_signed(&key).expect("an authority");
    let issuer = Issuer::new(params, key);
    let own_key = KeyPair::generate().expect("a key");
    let names: Vec<String> = NAMES.iter().map(ToString::to_string).collect();
    let own = CertificateParams::new(names).expect("names").signed_by(&own_key, &issuer).expect("a certificate");
    let chain = vec![CertificateDer::from(own.der().to_vec())];
    let private = PrivateKeyDer::try_from(own_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .expect("a configuration");
    (authority.pem(), Arc::new(config))
}

fn serve(
    mut stream: TcpStream,
    config: Arc<ServerConfig>,
    seen: &Mutex<Vec<Seen>>,
    script: &(impl Fn(&Seen, &[Seen]) -> (u16, String) + ?Sized),
) {
    let Some(connect) = read_request(&mut stream) else { return };
    assert_eq!(connect.method, "CONNECT", "everything goes through TLS");
    let host = connect.path.split(':').next().unwrap_or_default().to_owned();
    if stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").is_err() {
        return;
    }
    let connection = ServerConnection::new(config).expect("a connection");
    let mut stream = StreamOwned::new(connection, stream);
    let Some(request) = read_request(&mut stream) else { return };
    let now = told(&host, &request);
    let before = {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(now.clone());
        seen[..seen.len() - 1].to_vec()
    };
    let (status, body) = script(&now, &before);
    answer(&mut stream, &format!("{status} Status"), &[("Content-Type", "application/json")], body.as_bytes());
    stream.conn.send_close_notify();
    let _ = stream.flush();
    let _ = stream.read(&mut [0]);
}

fn told(host: &str, request: &Request) -> Seen {
    Seen {
        host: host.to_owned(),
        body: request.body.clone(),
        authorization: request.header("authorization").unwrap_or_default().to_owned(),
    }
}
