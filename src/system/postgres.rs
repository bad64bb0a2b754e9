//! Sessions with PostgreSQL over the network, each with a time limit for everything.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{fmt, io};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Config, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Who logs in, and to which database.
#[derive(Clone)]
pub struct SqlLogin {
    /// The user.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// The database.
    pub database: String,
}

impl fmt::Debug for SqlLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}, with a password", self.user, self.database)
    }
}

/// When a client gives up, with the names that libpq has for it.
#[derive(Debug, Clone, Copy)]
pub struct SqlPatience {
    /// The longest time until it is logged in.
    pub login: Duration,
    /// `tcp_user_timeout`: a session ends once what it sends is not acknowledged for this long.
    pub user_timeout: Duration,
    /// `keepalives_idle`: after this long without a word from the other side, the kernel asks whether it is there.
    pub keepalive_idle: Duration,
    /// `keepalives_interval`: how often it asks again.
    pub keepalive_interval: Duration,
}

/// Why a connection or a statement failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlError {
    /// The server refused it: the SQLSTATE (<https://www.postgresql.org/docs/current/errcodes-appendix.html>) and the message.
    Refused(String, String),
    /// The connection failed or was closed.
    Lost(String),
    /// Nothing came back in time.
    NoAnswer,
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SqlError::Refused(state, text) => write!(f, "{text} ({state})"),
            SqlError::Lost(text) => f.write_str(text),
            SqlError::NoAnswer => f.write_str("no response in time"),
        }
    }
}

impl From<tokio_postgres::Error> for SqlError {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(refused) = error.as_db_error() {
            return SqlError::Refused(refused.code().code().into(), refused.message().into());
        }
        // tokio-postgres's own text says only what was being done. Some texts of rustls end with the address of its manual.
        let text = std::error::Error::source(&error).map_or(error.to_string(), |cause| cause.to_string());
        SqlError::Lost(text.split(": http").next().unwrap_or_default().into())
    }
}

impl From<io::Error> for SqlError {
    fn from(error: io::Error) -> Self {
        SqlError::Lost(error.to_string())
    }
}

/// A session. It works on the calling thread, and so in the network namespace that the thread has entered.
pub struct SqlSession {
    // Dropped first, so that the session ends before its runtime does.
    client: tokio_postgres::Client,
    runtime: Runtime,
}

impl SqlSession {
    /// Connects. Like libpq's `sslmode=require`, it encrypts and does not check whose certificate the server shows.
    ///
    /// # Errors
    /// If the server does not let it in in time.
    pub fn connect(at: SocketAddr, login: &SqlLogin, patience: SqlPatience) -> Result<Self, SqlError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let mut config = Config::new();
        config.hostaddr(at.ip()).host(at.ip().to_string()).port(at.port());
        config.user(&login.user).password(&login.password).dbname(&login.database);
        config.ssl_mode(SslMode::Require).application_name("pgherd drill").connect_timeout(patience.login);
        config.tcp_user_timeout(patience.user_timeout).keepalives(true);
        config.keepalives_idle(patience.keepalive_idle).keepalives_interval(patience.keepalive_interval);
        // The limit also covers what follows the TCP connection: HAProxy accepts that before it has reached a server.
        let connecting = async { timeout(patience.login, config.connect(MakeRustlsConnect::new(tls()))).await };
        let (client, connection) = runtime.block_on(connecting).map_err(|_| SqlError::NoAnswer)??;
        // Its error is also that of the statement that was running.
        drop(runtime.spawn(connection));
        Ok(SqlSession { client, runtime })
    }

    /// Runs one statement, and returns the values of its rows as text. A null is an empty text.
    ///
    /// # Errors
    /// If it fails, or does not end within the limit. The session is of no use after that.
    pub fn rows(&self, sql: &str, limit: Duration) -> Result<Vec<Vec<String>>, SqlError> {
        let running = async { timeout(limit, self.client.simple_query(sql)).await };
        let messages = self.runtime.block_on(running).map_err(|_| SqlError::NoAnswer)??;
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        Ok(rows.map(|row| (0..row.len()).map(|i| row.get(i).unwrap_or_default().to_string()).collect()).collect())
    }
}

/// Returns the TLS settings of all sessions.
fn tls() -> ClientConfig {
    static TLS: OnceLock<ClientConfig> = OnceLock::new();
    TLS.get_or_init(|| {
        let provider = Arc::new(ring::default_provider());
        let versions = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let versions = versions.expect("ring has the default protocol versions");
        let config = versions.dangerous().with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)));
        config.with_no_client_auth()
    })
    .clone()
}

/// Takes any certificate: each database machine signs its own. SCRAM's channel binding still detects somebody in the middle.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn login() -> SqlLogin {
        SqlLogin { user: "app".into(), password: "hidden".into(), database: "app".into() }
    }

    fn patience(login: Duration) -> SqlPatience {
        let second = Duration::from_secs(1);
        SqlPatience { login, user_timeout: second, keepalive_idle: second, keepalive_interval: second }
    }

    #[test]
    fn a_password_is_not_printed() {
        assert!(!format!("{:?}", login()).contains("hidden"));
    }

    #[test]
    fn a_server_that_accepts_and_says_nothing_is_given_up_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let connected = SqlSession::connect(at, &login(), patience(Duration::from_millis(50))).map(drop);
        assert_eq!(connected, Err(SqlError::NoAnswer));
        drop(listener);
        let refused = SqlSession::connect(at, &login(), patience(Duration::from_secs(5))).map(drop);
        assert!(matches!(refused, Err(SqlError::Lost(_))), "{refused:?}");
    }
}
