//! HTTP requests, connections and routes.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// An HTTP response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// Status code.
    pub status: u16,
    /// Body.
    pub body: String,
}

/// Sends a GET request and returns the response, whatever its status. Proxies are not used, since the addresses are private.
pub fn http_get(url: &str, timeout: Duration) -> Result<Response, String> {
    answer(agent(timeout).get(url).call())
}

/// Posts an encoded form with an `Authorization` header and returns the response, whatever its status.
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

/// Checks that something accepts connections at an address.
pub fn connects(address: SocketAddr, timeout: Duration) -> io::Result<()> {
    TcpStream::connect_timeout(&address, timeout).map(drop)
}

/// The route by which this machine would reach an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// There is no route.
    None,
    /// The default route, from this local address.
    Default(Ipv4Addr),
    /// A route to that network, from this local address.
    Specific(Ipv4Addr),
}

/// Looks up the route to an address. Nothing is sent.
pub fn route_to(address: Ipv4Addr) -> Route {
    // Connecting a datagram socket chooses its route and sends nothing; the port is the discard port (RFC 863).
    let connected = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    let Ok(SocketAddr::V4(own)) = connected else { return Route::None };
    if own.ip().is_loopback() || *own.ip() == address {
        return Route::Specific(*own.ip());
    }
    let table = std::fs::read_to_string("/proc/net/route").unwrap_or_default();
    match table.lines().filter_map(|line| prefix_to(line, address)).max() {
        // This file only has the main table; a VPN's own table is not in it.
        Some(0) => Route::Default(*own.ip()),
        _ => Route::Specific(*own.ip()),
    }
}

/// Returns the prefix length of a route if it covers the address. `line` is one of /proc/net/route, with numbers in the machine's byte
/// order.
fn prefix_to(line: &str, address: Ipv4Addr) -> Option<u32> {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| u32::from_str_radix(columns.get(at)?, 16).ok().map(u32::to_be);
    let (network, mask) = (number(1)?, number(7)?);
    (u32::from(address) & mask == network).then(|| mask.count_ones())
}

/// PostgreSQL's SSLRequest: length 8, then 80877103
/// (<https://www.postgresql.org/docs/current/protocol-message-formats.html#PROTOCOL-MESSAGE-FORMATS-SSLREQUEST>).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// Checks that a PostgreSQL server is behind an address: it answers an SSLRequest with `S` or `N` before it asks for a password.
pub fn postgres_answers(address: SocketAddr, timeout: Duration) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    stream.write_all(&SSL_REQUEST)?;
    let mut answer = [0];
    let read = stream.read(&mut answer).map_err(|e| match e.kind() {
        // So the kernel names a read that has timed out: "Resource temporarily unavailable".
        io::ErrorKind::WouldBlock => io::Error::other(format!("no response within {} s", timeout.as_secs_f64())),
        _ => e,
    });
    match read? {
        1 if matches!(answer[0], b'S' | b'N') => Ok(()),
        0 => Err(io::Error::other("the connection was closed; there is no server behind this port")),
        _ => Err(io::Error::other("what answers there is not PostgreSQL")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    const TIMEOUT: Duration = Duration::from_secs(5);

    #[test]
    fn a_server_that_accepts_and_hangs_is_told_in_words() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let hangs = postgres_answers(listener.local_addr().unwrap(), Duration::from_millis(500)).unwrap_err();
        assert_eq!(hangs.to_string(), "no response within 0.5 s");
    }

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
    fn the_most_specific_route_counts() {
        let default = "eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0";
        let vpn = "tun0\t0000140A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0";
        let (inside, outside) = (Ipv4Addr::new(10, 20, 128, 32), Ipv4Addr::new(10, 21, 0, 1));
        assert_eq!(
            (prefix_to(default, inside), prefix_to(vpn, inside), prefix_to(vpn, outside)),
            (Some(0), Some(16), None)
        );
        assert_eq!(prefix_to("Iface\tDestination\tGateway", inside), None);
        assert_eq!(route_to(Ipv4Addr::LOCALHOST), Route::Specific(Ipv4Addr::LOCALHOST));
    }

    #[test]
    fn any_http_status_is_an_answer() {
        let address = server(b"HTTP/1.1 503 x\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno", 16);
        let answer = http_get(&format!("http://{address}/health"), TIMEOUT).unwrap();
        assert_eq!(answer, Response { status: 503, body: "no".into() });
    }
}
