//! A portal made of a socket and a script, for what no HTTP library would do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A server that hands each connection, with the request on it, to a script.
pub struct RawPortal {
    pub url: String,
    requests: Arc<AtomicUsize>,
}

/// A request, read to its end.
pub struct Request {
    pub method: String,
    pub path: String,
    pub head: String,
    pub body: String,
}

impl Request {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }
}

impl RawPortal {
    /// `script` is called for each request with its path; what it does with the stream is its
    /// business, and the connection is closed after it.
    pub fn start(script: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::serve(move |request, stream| script(&request.path, stream))
    }

    /// Likewise, with the whole request.
    pub fn serve(script: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let requests = Arc::new(AtomicUsize::new(0));
        let (script, count) = (Arc::new(script), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let (script, count) = (Arc::clone(&script), Arc::clone(&count));
                std::thread::spawn(move || {
                    if let Some(request) = read_request(&mut stream) {
                        count.fetch_add(1, Ordering::SeqCst);
                        script(&request, &mut stream);
                    }
                });
            }
        });
        Self { url, requests }
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

pub fn read_request(stream: &mut impl Read) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut parts = head.split(' ');
    let (method, path) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let mut request = Request { method, path, head, body: String::new() };
    let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    request.body = String::from_utf8(body).ok()?;
    Some(request)
}

/// A whole answer with its length.
pub fn answer(stream: &mut impl Write, status: &str, headers: &[(&str, &str)], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    // The other side may have hung up already, which is what some tests are about.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).and_then(|()| stream.flush());
}

/// Waits until the other side closes the connection.
pub fn wait_for_close(stream: &mut TcpStream) {
    let mut buffer = [0; 1024];
    while stream.read(&mut buffer).is_ok_and(|count| count > 0) {}
}

/// An address at which connections are refused, for as long as this is kept: its port is taken, and nobody listens there.
/// That of a listener that is gone could be another test's by the next moment.
pub struct RefusedAddress {
    own: TcpStream,
    // Without it the connection would end, and its port be free.
    _listener: TcpListener,
}

impl RefusedAddress {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        Self { own, _listener: listener }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.own.local_addr().expect("an address"))
    }
}
