//! What answers at an address.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: String,
}

/// Gets a page; any status is an answer. The environment's proxies are not asked: the addresses are private ones.
pub fn http_get(url: &str, timeout: Duration) -> Result<Response, String> {
    answer(agent(timeout).get(url).call())
}

/// Posts a form, already encoded, with an `Authorization` header; any status is an answer.
pub fn http_post_form(url: &str, authorization: &str, form: &str, timeout: Duration) -> Result<Response, String> {
    let request = agent(timeout).post(url).header("authorization", authorization);
    answer(request.content_type("application/x-www-form-urlencoded").send(form))
}

fn agent(timeout: Duration) -> ureq::Agent {
    let config = ureq::config::Config::builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(timeout))
        .build();
    config.new_agent()
}

fn answer(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Response, String> {
    let mut answer = answer.map_err(|e| e.to_string())?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().read_to_string().map_err(|e| e.to_string())?;
    Ok(Response { status, body })
}

/// PostgreSQL's SSLRequest: length 8, then 80877103
/// (<https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-SSLREQUEST>).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Whether a PostgreSQL server is behind an address: it answers an SSLRequest with `S` or `N`, and asks for no password to do so.
pub fn postgres_answers(address: SocketAddr, timeout: Duration) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(&SSL_REQUEST)?;
    let mut answer = [0];
    match stream.read(&mut answer)? {
        1 if matches!(answer[0], b'S' | b'N') => Ok(()),
        0 => Err(io::Error::other("the connection was closed: no server behind this port")),
        _ => Err(io::Error::other("what answers is not PostgreSQL")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    const TIMEOUT: Duration = Duration::from_secs(5);

    fn server(answer: &'static [u8], request: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut read = vec![0; request];
            stream.read_exact(&mut read).unwrap();
            stream.write_all(answer).unwrap();
        });
        address
    }

    #[test]
    fn postgres_is_known_by_its_answer_to_an_ssl_request() {
        assert!(postgres_answers(server(b"S", 8), TIMEOUT).is_ok());
        assert!(postgres_answers(server(b"N", 8), TIMEOUT).is_ok());
        assert!(postgres_answers(server(b"HTTP", 8), TIMEOUT).is_err());
        assert!(postgres_answers(server(b"", 8), TIMEOUT).is_err());
    }

    #[test]
    fn any_http_status_is_an_answer() {
        let address = server(b"HTTP/1.1 503 x\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno", 16);
        let answer = http_get(&format!("http://{address}/health"), TIMEOUT).unwrap();
        assert_eq!(answer, Response { status: 503, body: "no".into() });
    }
}
