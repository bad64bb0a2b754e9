//! The AWS API fails for a while: pgherd repeats its own requests, with pauses, but not after a real error.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::Test;
use crate::support::herd::Herd;

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes", "--only", "image-master"];

const IDENTITY: &str = "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>\
    <Arn>arn:aws:iam::123456789012:user/test</Arn><UserId>A</UserId></GetCallerIdentityResult></GetCallerIdentityResponse>";
const MACHINES: &str = "<DescribeInstancesResponse><reservationSet/></DescribeInstancesResponse>";

/// An image of this name.
fn images(name: &str) -> String {
    let tag = "<tagSet><item><key>pgherd:content</key><value>x</value></item></tagSet>";
    let image = format!("<item><imageId>ami-0there</imageId><name>{name}</name>{tag}</item>");
    format!("<DescribeImagesResponse><imagesSet>{image}</imagesSet></DescribeImagesResponse>")
}

/// Starts an API that fails at the first requests for images. Returns when it was called.
struct Api {
    endpoint: String,
    asked: Arc<Mutex<Vec<Instant>>>,
    /// Returns the name of the master's image.
    name: Arc<Mutex<String>>,
}

impl Api {
    fn failing(times: usize, status: &'static str, code: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(vec![]));
        let name = Arc::new(Mutex::new(String::new()));
        let (failed, times_asked, known) = (AtomicUsize::new(0), Arc::clone(&asked), Arc::clone(&name));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let request = read(&stream);
                let (status, body) = if request.contains("GetCallerIdentity") {
                    ("200 OK", IDENTITY.to_string())
                } else if request.contains("DescribeInstances") {
                    ("200 OK", MACHINES.to_string())
                } else if request.contains("DescribeTags") {
                    // This API knows nothing of earlier runs.
                    ("200 OK", "<DescribeTagsResponse><tagSet/></DescribeTagsResponse>".to_string())
                } else {
                    times_asked.lock().unwrap().push(Instant::now());
                    match failed.fetch_add(1, Ordering::SeqCst) < times {
                        true => (
                            status,
                            format!(
                                "<Response><Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors></Response>"
                            ),
                        ),
                        false => ("200 OK", images(&known.lock().unwrap())),
                    }
                };
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                let _ = (&stream).write_all((head + &body).as_bytes());
            }
        });
        Api { endpoint, asked, name }
    }

    fn test(&self) -> Test {
        let test = Test::with_tools(&Herd::healthy().blueprint());
        let aws = which::which("aws").expect("`make test` installs the AWS CLI");
        test.program("aws", &format!("exec {} \"$@\"", aws.display()));
        test.run(&["gen"]).exits(0);
        let template: serde_json::Value =
            serde_json::from_str(&test.read("generated/herd/packer_templates/master_temp.json")).unwrap();
        *self.name.lock().unwrap() = template["builders"][0]["ami_name"].as_str().unwrap().into();
        let env = [
            ("AWS_ENDPOINT_URL", self.endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        env.into_iter().fold(test, |test, (name, value)| test.env(name, value))
    }
}

/// A whole request: head, and as much body as it says.
fn read(mut stream: &TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let (mut text, mut buffer) = (String::new(), [0; 4096]);
    loop {
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut buffer) {
            Ok(n) if n > 0 => text.push_str(&String::from_utf8_lossy(&buffer[..n])),
            _ => return text,
        }
    }
}

#[test]
fn throttling_is_waited_out() {
    let api = Api::failing(5, "503 Service Unavailable", "RequestLimitExceeded");
    api.test().run(RUN).exits(0).err("ami-0there");
    let asked = api.asked.lock().unwrap();
    assert_eq!(asked.len(), 6, "five times in vain; the AWS CLI's own default gives up before");
    assert!(asked[5] - asked[0] > Duration::from_millis(500), "with pauses: {:?}", asked[5] - asked[0]);
}

#[test]
fn a_real_error_is_told_at_once() {
    let api = Api::failing(usize::MAX, "403 Forbidden", "UnauthorizedOperation");
    api.test().run(RUN).exits(1).err("UnauthorizedOperation");
    assert_eq!(api.asked.lock().unwrap().len(), 1);
}
