//! Requests that no client library would send: headers of any bytes, and HTTP by hand.

use client::RawAnswer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use wire::create_user::PATH;
use wire::header;
use wire::signature::{Parts, SigningKey, authorization};

use crate::{Response, TestCaller, TestServer};

/// A connection for handwritten HTTP.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl TestServer {
    /// Opens a connection.
    pub async fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address()).await;
        Connection {
            stream: stream.unwrap_or_else(|error| panic!("no connection: {error}")),
            received: Vec::new(),
        }
    }

    /// Opens a connection from another address of this machine, such as 127.0.0.2.
    pub async fn connect_from(&self, address: std::net::Ipv4Addr) -> Connection {
        let connect = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind((address, 0).into())?;
            socket.connect(self.address()).await
        };
        let stream = connect.await;
        Connection {
            stream: stream.unwrap_or_else(|error| panic!("no connection: {error}")),
            received: Vec::new(),
        }
    }

    /// Sends a body with exactly these headers.
    pub async fn raw(&self, path: &str, headers: &[(String, Vec<u8>)], body: impl Into<Vec<u8>>) -> Response {
        self.request("POST", path, headers, body).await
    }

    /// Sends a request with this method, body and these headers.
    pub async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, Vec<u8>)],
        body: impl Into<Vec<u8>>,
    ) -> Response {
        let body = body.into();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address()).into_bytes();
        for (name, value) in headers {
            request.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        if method != "GET" {
            request.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(&body);
        self.exchange(&request).await
    }

    /// Calls create-user by hand, with this `User-Agent`.
    pub async fn create_by(&self, caller: &TestCaller, user_agent: &str, body: &str) -> Response {
        let signed = caller.signed(PATH);
        let signed = signed.iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        let headers: Vec<_> = signed.chain([("user-agent".to_owned(), user_agent.into())]).collect();
        self.raw(PATH, &headers, body).await
    }

    /// Calls a path with a body and no header of a signature.
    pub async fn unsigned(&self, path: &str, body: impl Into<Vec<u8>>) -> Response {
        self.raw(path, &[], body).await
    }

    /// GETs a path.
    pub async fn get(&self, path: &str) -> Response {
        self.get_with(path, &[]).await
    }

    /// GETs a path with these headers.
    pub async fn get_with(&self, path: &str, headers: &[(String, Vec<u8>)]) -> Response {
        self.request("GET", path, headers, "").await
    }

    /// Calls create-user with these bytes as its date, signed over exactly these bytes.
    pub async fn send_dated(&self, caller: &TestCaller, date: &[u8], body: impl Into<Vec<u8>>) -> Response {
        let keys = caller.keys();
        let key = SigningKey::from_secret(&keys.secret_key)
            .unwrap_or_else(|error| panic!("the secret key: {error}"));
        let request_id = client::random_request_id().to_string();
        let parts =
            Parts { date, request_id: request_id.as_bytes(), application_key: keys.app_key.as_bytes() };
        let signature = key.sign(&parts, PATH.as_bytes());
        let headers = [
            (header::AUTHORIZATION.to_owned(), authorization(&keys.access_key, &signature).into_bytes()),
            (header::DATE.to_owned(), date.to_vec()),
            (header::REQUEST_ID.to_owned(), request_id.into_bytes()),
            (header::APP_ID.to_owned(), keys.app_id.as_bytes().to_vec()),
        ];
        self.raw(PATH, &headers, body).await
    }

    async fn exchange(&self, request: &[u8]) -> Response {
        let mut connection = self.connect().await;
        connection.send_bytes(request).await;
        connection.response().await
    }
}

impl Connection {
    /// Sends text.
    pub async fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).await;
    }

    async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap_or_else(|error| panic!("can't send: {error}"));
    }

    /// Closes the sending side, and waits for the other end to close.
    pub async fn close(mut self) {
        let _ = self.stream.shutdown().await;
        self.closed().await;
    }

    /// Waits for the other end to close, and ignores what it still sends.
    pub async fn closed(mut self) {
        let _ = self.stream.read_to_end(&mut self.received).await;
    }

    /// Waits until the other end has closed without sending anything more.
    ///
    /// # Panics
    /// When the connection is reset, or something arrives.
    pub async fn ended(mut self) {
        let end = self.stream.read_to_end(&mut self.received).await;
        end.unwrap_or_else(|error| panic!("the connection was cut: {error}"));
        assert_eq!(String::from_utf8_lossy(&self.received), "", "nothing more was to come");
    }

    /// Reads the headers of the next response.
    pub async fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                let head: Vec<u8> = self.received.drain(..end + 4).collect();
                return String::from_utf8_lossy(&head).into_owned();
            }
            self.receive().await;
        }
    }

    /// Reads the next response.
    pub async fn response(&mut self) -> Response {
        let (head, body) = self.answer().await;
        Response::from(parse(&head, body))
    }

    /// Reads the next response: headers and body.
    pub async fn answer(&mut self) -> (String, String) {
        let head = self.head().await;
        if head.to_ascii_lowercase().contains("\r\ntransfer-encoding: chunked") {
            return (head, self.chunks().await);
        }
        let length = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok())
            .unwrap_or(0);
        while self.received.len() < length {
            self.receive().await;
        }
        let body: Vec<u8> = self.received.drain(..length).collect();
        (head, String::from_utf8_lossy(&body).into_owned())
    }

    /// Reads a chunked body to its end.
    async fn chunks(&mut self) -> String {
        let mut body = Vec::new();
        loop {
            let end = loop {
                match self.received.windows(2).position(|bytes| bytes == b"\r\n") {
                    Some(end) => break end,
                    None => self.receive().await,
                }
            };
            let size = String::from_utf8_lossy(&self.received[..end]).into_owned();
            let size =
                usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("no size of a chunk: {size}"));
            while self.received.len() < end + 2 + size + 2 {
                self.receive().await;
            }
            body.extend_from_slice(&self.received[end + 2..end + 2 + size]);
            self.received.drain(..end + 2 + size + 2);
            if size == 0 {
                return String::from_utf8_lossy(&body).into_owned();
            }
        }
    }

    async fn receive(&mut self) {
        let read = self.stream.read_buf(&mut self.received).await;
        let read = read.unwrap_or_else(|error| panic!("can't receive: {error}"));
        assert!(
            read > 0,
            "the server closed the connection; so far: {}",
            String::from_utf8_lossy(&self.received)
        );
    }
}

fn parse(head: &str, body: String) -> RawAnswer {
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers = lines.filter_map(|line| {
        let (name, value) = line.split_once(": ")?;
        Some((name.parse().ok()?, value.parse().ok()?))
    });
    RawAnswer { status: status.unwrap_or(0), headers: headers.collect(), body: body.into_bytes() }
}
