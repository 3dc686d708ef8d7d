//! A small HTTP/1.1 server on the loopback interface, which can misbehave.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path with the query; absolute in a request to a proxy.
    pub(crate) target: String,
    /// Keyed by lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) manners: Manners,
}

/// The way a reply is sent.
#[derive(Debug, Clone, Default)]
pub(crate) enum Manners {
    #[default]
    Well,
    /// Sends all headers and this many bytes of the body, then closes the connection.
    CutAfter(usize),
    /// Sends all headers and this many bytes of the body, then nothing until the client gives up.
    HangAfter(usize),
    /// Sends the body without a length; it ends when the connection is closed.
    WithoutLength,
    /// Sends only the body, without HTTP headers.
    Raw,
    /// Forwards bytes to and from this address, like a proxy after CONNECT.
    Tunnel(SocketAddr),
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn sent(mut self, manners: Manners) -> Self {
        self.manners = manners;
        self
    }
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

/// A server that stops when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let (handler, requests, stopped): (Arc<Handler>, _, _) =
                (Arc::new(handler), Arc::clone(&requests), Arc::clone(&stopped));
            move || {
                for stream in listener.incoming() {
                    if stopped.load(Ordering::SeqCst) {
                        return;
                    }
                    let (handler, requests) = (Arc::clone(&handler), Arc::clone(&requests));
                    std::thread::spawn(move || {
                        // Many tests have clients that disconnect early.
                        let _ = stream.and_then(|stream| serve(&stream, &*handler, &requests));
                    });
                }
            }
        });
        Self { address, requests, stopped, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn forget(&self) {
        self.requests.lock().unwrap().clear();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Serves one request per connection.
fn serve(
    stream: &TcpStream,
    handler: &Handler,
    requests: &Mutex<Vec<Request>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else {
        return Ok(());
    };
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let request = Request { method, target, headers };
    requests.lock().unwrap().push(request.clone());
    let reply = handler(&request);
    send(stream, &reply, request.method == "HEAD")
}

fn send(mut stream: &TcpStream, reply: &Reply, head_only: bool) -> std::io::Result<()> {
    if let Manners::Raw = reply.manners {
        stream.write_all(&reply.body)?;
        return stream.shutdown(Shutdown::Both);
    }
    let mut head = format!("HTTP/1.1 {} Status\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if let Manners::Tunnel(address) = reply.manners {
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        return tunnel(stream, &TcpStream::connect(address)?);
    }
    let length_is_given = reply.headers.iter().any(|(name, _)| *name == "Content-Length");
    if !length_is_given && !matches!(reply.manners, Manners::WithoutLength) {
        head += &format!("Content-Length: {}\r\n", reply.body.len());
    }
    stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    if head_only {
        return stream.shutdown(Shutdown::Both);
    }
    match reply.manners {
        Manners::CutAfter(len) => stream.write_all(&reply.body[..len])?,
        Manners::HangAfter(len) => {
            stream.write_all(&reply.body[..len])?;
            // Read until the client closes its end, with a timeout in case it never does.
            stream.set_read_timeout(Some(Duration::from_secs(20)))?;
            let _ = stream.read(&mut [0]);
        }
        _ => stream.write_all(&reply.body)?,
    }
    stream.shutdown(Shutdown::Both)
}

fn tunnel(client: &TcpStream, server: &TcpStream) -> std::io::Result<()> {
    std::thread::scope(|scope| {
        scope.spawn(|| std::io::copy(&mut &*client, &mut &*server));
        std::io::copy(&mut &*server, &mut &*client)?;
        client.shutdown(Shutdown::Both)
    })
}
