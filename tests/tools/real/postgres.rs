//! A PostgreSQL server for queries: empty, on its own socket, and removed afterwards.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Where Debian's packages install servers.
const SERVERS: &str = "/usr/lib/postgresql";

/// A server that runs until it is dropped.
pub struct Server {
    pub major: u16,
    programs: PathBuf,
    dir: TempDir,
}

/// Returns the folder of the newest server's programs, unless `PGHERD_POSTGRES` names another.
pub fn programs() -> PathBuf {
    if let Some(named) = std::env::var_os("PGHERD_POSTGRES") {
        return named.into();
    }
    let majors = std::fs::read_dir(SERVERS).unwrap_or_else(|error| panic!("{SERVERS}: {error}: run .ci/setup"));
    let newest = majors.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse::<u16>().ok()).max();
    let newest = newest.unwrap_or_else(|| panic!("no server in {SERVERS}: run .ci/setup"));
    Path::new(SERVERS).join(newest.to_string()).join("bin")
}

impl Server {
    /// Starts one with PostgreSQL's defaults.
    pub fn start() -> Self {
        let programs = programs();
        let version = Command::new(programs.join("postgres")).arg("--version").output().unwrap();
        let version = String::from_utf8(version.stdout).unwrap();
        let major = version.split([' ', '.']).find_map(|word| word.parse().ok()).unwrap_or_else(|| panic!("{version}"));
        let dir = TempDir::new().unwrap();
        // PostgreSQL refuses to run as root, and Debian's package creates this user.
        assert!(Command::new("chown").arg("postgres").arg(dir.path()).status().unwrap().success());
        let server = Server { major, programs, dir };
        server.run(
            "initdb",
            &["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C.UTF-8"],
        );
        let options = format!("-c listen_addresses= -c fsync=off -k {}", server.dir.path().display());
        server.run(
            "pg_ctl",
            &["-w", "-s", "-l", server.dir.path().join("log").to_str().unwrap(), "-o", &options, "start"],
        );
        server
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let data = self.dir.path().join("data");
        let output = Command::new("runuser")
            .args(["-u", "postgres", "--"])
            .arg(self.programs.join(program))
            .args(["-D".as_ref(), data.as_os_str()])
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
        assert!(output.status.success(), "{program}: {}{log}", String::from_utf8_lossy(&output.stderr));
    }

    /// Returns what psql prints for a script, including its errors, in order.
    fn psql(&self, script: &str) -> String {
        let mut psql = Command::new("psql")
            .args(["-XAtq", "-F", "\t", "-U", "postgres", "-h"])
            .arg(self.dir.path())
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("psql: {error}: run .ci/setup"));
        let mut input = psql.stdin.take().unwrap();
        let script = script.to_string();
        let writer = std::thread::spawn(move || input.write_all(script.as_bytes()).unwrap());
        let output = psql.wait_with_output().unwrap();
        writer.join().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// Returns the lines of a query's result.
    pub fn ask(&self, query: &str) -> Vec<String> {
        self.psql(&format!("{query};\n")).lines().map(String::from).collect()
    }

    /// Returns for each setting the value that the server would use, as SHOW prints it, or its error.
    pub fn judge(&self, settings: &[(&str, &str)]) -> Vec<Result<String, String>> {
        const MARK: &str = "--judged--";
        let of_sessions = self.ask(
            // Without those that would end this session.
            "SELECT name FROM pg_settings WHERE context IN ('user', 'superuser') AND name !~ 'timeout$'",
        );
        let mut script = String::new();
        for (name, value) in settings {
            let literal = format!("'{}'", value.replace('\'', "''"));
            // For settings of a session, SHOW prints what was parsed. The others are parsed into a file that nothing reads again.
            let (set, show) = match of_sessions.contains(&name.to_string()) {
                true => ("SET LOCAL", format!("SHOW \"{name}\"; ROLLBACK;")),
                false => ("ALTER SYSTEM SET", String::new()),
            };
            let begin = if show.is_empty() { "" } else { "BEGIN;\n" };
            script +=
                &format!("{begin}{set} \"{name}\" = {literal};\n\\echo {MARK} :ERROR :'LAST_ERROR_MESSAGE'\n{show}\n");
        }
        let printed = self.psql(&script);
        let answers: Vec<&str> = printed.split(MARK).skip(1).collect();
        assert_eq!(answers.len(), settings.len(), "{printed}");
        (answers.iter().zip(settings))
            .map(|(answer, (_, value))| {
                let (first, shown) = answer.split_once('\n').unwrap();
                match first.trim().strip_prefix("true ") {
                    Some(error) => Err(error.to_string()),
                    // What a session cannot set cannot be shown, so the value is returned as it was written.
                    None => Ok(shown.lines().next().unwrap_or(value).to_string()),
                }
            })
            .collect()
    }

    /// Returns whether an error means that the setting cannot be set at all, to any value.
    pub fn cannot_be_asked(&self, error: &str) -> bool {
        error.contains("cannot be changed")
            || error.contains("is not supported by this build")
            || error.contains("are not supported by this build")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run("pg_ctl", &["-w", "-s", "-m", "immediate", "stop"]);
    }
}
