//! Chromium, without a network: what a person would see of a page.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// What a person sees in windows of two widths.
pub struct Seen {
    pub console: Vec<String>,
    pub wide: Value,
    pub narrow: Value,
}

impl Seen {
    /// Returns the text at a width: `wide` or `narrow`.
    pub fn text(&self, width: &str) -> &str {
        let view = if width == "wide" { &self.wide } else { &self.narrow };
        view["text"].as_str().unwrap()
    }
}

/// Runs Chromium in a network namespace without connections.
fn chromium(args: &[&str]) -> (String, String) {
    let home = TempDir::new().unwrap();
    let mut command = Command::new("unshare");
    command.args(["--net", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]);
    command.args([
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--hide-scrollbars",
    ]);
    command.args(["--enable-logging=stderr", "--allow-file-access-from-files", "--virtual-time-budget=5000"]);
    command.arg(format!("--user-data-dir={}", home.path().display())).env("HOME", home.path()).args(args);
    let output = command.output().unwrap_or_else(|e| panic!("chromium: {e}: `make test` installs it"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

/// What the harness page prints on the console once its frames have printed everything.
pub const END: &str = "the console ends here";

/// Returns what the pages printed on the console, from the browser's log. `None` if the browser ended before it had written all of it.
/// The browser's own pages print there as well, at any time.
pub fn console(log: &str) -> Option<Vec<String>> {
    let own = ["source: chrome://", "source: chrome-extension://"];
    let lines = log.lines().filter(|line| line.contains(":CONSOLE") && !own.iter().any(|own| line.contains(own)));
    let (end, said): (Vec<_>, Vec<_>) = lines.map(String::from).partition(|line| line.contains(END));
    (!end.is_empty()).then_some(said)
}

/// Opens a page in two frames.
pub fn look(page: &Path) -> Seen {
    let harness = page.with_file_name("harness.html");
    let name = page.file_name().unwrap().to_str().unwrap();
    let frame = |id: &str, width: u32| {
        format!(r#"<iframe id="{id}" src="{name}" style="width:{width}px;height:3000px"></iframe>"#)
    };
    let script = r#"window.onload = () => {
        const see = id => {
            const frame = document.getElementById(id), inner = frame.contentDocument, root = inner.documentElement;
            return { text: inner.body.innerText, over: root.scrollWidth - frame.clientWidth,
                     ticks: new Set([...inner.querySelectorAll('.ticks span, .axis > span')].map(one => one.getBoundingClientRect().x)).size,
                     paths: [...inner.querySelectorAll('.chart path')].filter(one => one.getBoundingClientRect().width >= 1).length,
                     loaded: frame.contentWindow.performance.getEntriesByType('resource').map(one => one.name),
                     bars: [...inner.querySelectorAll('.row .bar rect[class], .lane rect[class]')].filter(one => one.getBoundingClientRect().width >= 1).length };
        };
        document.getElementById('seen').textContent = JSON.stringify({ wide: see('wide'), narrow: see('narrow') });
        console.log('END');
    }"#
    .replace("END", END);
    let html =
        format!("<body><pre id=seen></pre>{}{}<script>{script}</script>", frame("wide", 1100), frame("narrow", 360));
    fs::write(&harness, html).unwrap();
    let mut looked = (0..5).map(|_| chromium(&["--dump-dom", &format!("file://{}", harness.display())]));
    let whole = looked.find_map(|(dom, log)| Some((dom, console(&log)?)));
    let (dom, console) = whole.expect("a log with its end");
    let seen =
        dom.split("<pre id=\"seen\">").nth(1).and_then(|rest| rest.split("</pre>").next()).expect("the frames' answer");
    let seen = seen.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", "\u{a0}").replace("&amp;", "&");
    let seen: Value = serde_json::from_str(&seen).unwrap_or_else(|e| panic!("{e}: {seen}"));
    fs::remove_file(harness).unwrap();
    Seen { console, wide: seen["wide"].clone(), narrow: seen["narrow"].clone() }
}

/// Saves screenshots for people, dark and light: `target/report-NAME-WIDTH.png`.
pub fn picture(page: &Path, name: &str) {
    // 0 and 1 are Chromium's dark and light.
    for (width, size, scheme) in [("wide", "1100,3000", 1), ("narrow", "500,3000", 1), ("dark", "1100,3000", 0)] {
        let at = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(format!("report-{name}-{width}.png"));
        let _ = fs::remove_file(&at);
        let shot = format!("--screenshot={}", at.display());
        let scheme = format!("--blink-settings=preferredColorScheme={scheme}");
        chromium(&[&shot, &scheme, &format!("--window-size={size}"), &format!("file://{}", page.display())]);
        let bytes = fs::read(&at).expect("a picture");
        assert!(bytes.starts_with(b"\x89PNG") && bytes.len() > 20_000, "{} is empty", at.display());
    }
}
