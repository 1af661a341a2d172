//! Proxies, TLS, the time for a connection, and the end of a body.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;
use cancel_pending::http_client::{BodyError, Route, Security, client, read_body};
use rustls::ServerConnection;
use rustls::StreamOwned;

use crate::support::raw::{RawPortal, read_request, wait_for_close};
use crate::support::{Run, Workspace, tls};

const DESIRED: &str = "publisher: contoso\noffers: [{id: vm, cancelPending: true}]\n";

/// A server for one connection after the other.
fn server(script: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(script));
    address
}

/// A plan of an offer on the real portal's name, over a proxy.
fn plan_over(proxy: &str, authority: &str) -> Run {
    let workspace = Workspace::with("offers.yaml", DESIRED);
    workspace.write("authority.pem", authority);
    let mut command = workspace.command();
    command.env("HTTPS_PROXY", proxy).env("SSL_CERT_FILE", workspace.path("authority.pem"));
    Run::of(
        command
            .args(["plan", "offers.yaml", "--request-timeout", "1s", "--format", "json"])
            .output()
            .expect("the program runs"),
    )
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_no_connection() {
    let silent = server(|mut stream| wait_for_close(&mut stream));
    let client = client(&Route::Direct, Security::Tls, Duration::from_millis(100), 1).expect("a client");
    let error = client.get(format!("https://{silent}/")).send().await.expect_err("no answer");
    assert!(error.is_connect() && error.is_timeout(), "{error:?}");
}

#[tokio::test]
async fn an_address_stands_for_every_name() {
    let portal = RawPortal::start(|path, stream| crate::support::raw::answer(stream, "200 OK", &[], path.as_bytes()));
    let address = portal.url.trim_start_matches("http://").parse().expect("an address");
    let route = Route::Named("emulator.localhost".to_owned(), address);
    let client = client(&route, Security::Tls, Duration::from_secs(10), 1).expect("a client");
    let response = client.get("http://emulator.localhost/here").send().await.expect("an answer");
    assert_eq!(read_body(response, 5).await, Ok(Bytes::from_static(b"/here")));
}

#[tokio::test]
async fn a_body_is_not_read_past_its_bound() {
    let portal = RawPortal::start(|path, stream| {
        let head = if path == "/told" { "Content-Length: 6\r\nConnection: close" } else { "Connection: close" };
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\nfoobar").as_bytes());
    });
    let client = client(&Route::Direct, Security::Tls, Duration::from_secs(10), 1).expect("a client");
    for path in ["/told", "/untold"] {
        let mut read = Vec::new();
        for most in [6, 5] {
            let response = client.get(format!("{}{path}", portal.url)).send().await.expect("an answer");
            read.push(read_body(response, most).await);
        }
        assert_eq!(read, [Ok(Bytes::from_static(b"foobar")), Err(BodyError::TooLarge)], "{path}");
    }
}

#[test]
fn a_proxy_is_told_who_asks_and_heard_when_it_refuses() {
    let (tell, told) = mpsc::channel();
    let proxy = server(move |mut stream| {
        let Some(request) = read_request(&mut stream) else { return };
        let _ = tell.send((
            request.method.clone(),
            request.path.clone(),
            request.header("proxy-authorization").map(str::to_owned),
        ));
        let _ = stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
    });
    let run = plan_over(&format!("http://ada:open%20sesame@{proxy}"), &tls::certificates().0).expect(1);
    let expected = ("CONNECT".to_owned(), "cloudpartner.azure.com:443".to_owned());
    let (method, path, authorization) = told.recv_timeout(Duration::from_mins(1)).expect("a request");
    assert_eq!((method, path), expected);
    assert_eq!(authorization.as_deref(), Some("Basic YWRhOm9wZW4gc2VzYW1l"));
    assert!(run.stdout.contains("proxy authorization required"), "{}", run.stdout);
    assert!(!run.stdout.contains("sesame") && !run.stderr.contains("sesame"));
}

#[test]
fn a_socks_proxy_is_spoken_to_as_one() {
    let (tell, told) = mpsc::channel();
    let proxy = server(move |mut stream| {
        let mut version = [0];
        let _ = tell.send(stream.read_exact(&mut version).map(|()| version[0]).ok());
    });
    plan_over(&format!("socks5h://{proxy}"), &tls::certificates().0).expect(1);
    assert_eq!(told.recv_timeout(Duration::from_mins(1)).expect("a connection"), Some(5), "the version of SOCKS");
}

#[test]
fn http_2_is_spoken_where_the_server_speaks_it() {
    let (authority, config) = tls::certificates();
    let mut config = (*config).clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let (tell, told) = mpsc::channel();
    let proxy = server(move |mut stream| {
        if read_request(&mut stream).is_none() || stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").is_err() {
            return;
        }
        let connection = ServerConnection::new(config.clone().into()).expect("a connection");
        let mut stream = StreamOwned::new(connection, stream);
        let mut preface = [0; 16];
        let _ =
            tell.send(stream.read_exact(&mut preface).map(|()| String::from_utf8_lossy(&preface).into_owned()).ok());
    });
    plan_over(&format!("http://{proxy}"), &authority).expect(1);
    // On a busy machine an attempt may be given up in the middle of the handshake; the next one says it.
    let spoken = std::iter::from_fn(|| told.recv_timeout(Duration::from_mins(1)).ok()).flatten().next();
    assert_eq!(spoken.as_deref(), Some("PRI * HTTP/2.0\r\n"));
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused() {
    let (_, config) = tls::certificates();
    let (other_authority, _) = tls::certificates();
    let proxy = server(move |mut stream| {
        if read_request(&mut stream).is_none() || stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").is_err() {
            return;
        }
        let connection = ServerConnection::new(config.clone()).expect("a connection");
        let mut stream = StreamOwned::new(connection, stream);
        let mut byte = [0];
        assert!(stream.read(&mut byte).is_err(), "something was sent to it");
    });
    let run = plan_over(&format!("http://{proxy}"), &other_authority).expect(1);
    assert!(
        run.stdout.contains("could not reach https://cloudpartner.azure.com") && run.stdout.contains("SSL_CERT_FILE"),
        "{}",
        run.stdout
    );
}
