use super::*;
use crate::cli::error::ErrorKind;

fn read(path: &Path) -> String {
    files::read_text(path).unwrap().unwrap()
}

#[test]
fn the_seed_and_what_is_left_behind_are_shown() {
    let text = "cluster \"herd\" { region = \"eu-west-1\" }";
    let cluster = crate::cluster::resolve(&crate::blueprint::parse("herd.hcl", text).unwrap());
    let page = |report: &DrillReport| html(report, &cluster, Progress::Ended { error: "" });
    let plain = page(&DrillReport::default());
    assert!(!plain.contains("--seed") && !plain.contains("Left behind"), "{plain}");
    let left = vec!["a route on <haproxy>".to_string()];
    let both = page(&DrillReport { seed: Some(4711), left, ..DrillReport::default() });
    assert!(both.contains("random faults; --seed 4711 repeats their order"), "{both}");
    assert!(both.contains("Left behind: a route on &lt;haproxy&gt;"), "{both}");
}

#[test]
fn only_a_page_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("drill.html");
    let page = PageFile::at(path.clone()).unwrap();
    page.write(&format!("{MARK}one")).unwrap();
    page.write(&format!("{MARK}two")).unwrap();
    assert!(read(&path).ends_with("two"));
    assert_eq!(files::list(dir.path()).unwrap(), ["drill.html"], "nothing is left beside it");
    assert!(PageFile::at(path.clone()).is_ok(), "an earlier drill's page");

    files::write(&path, b"<!doctype html>\nmine").unwrap();
    let refused = PageFile::at(path.clone()).map_err(|e| (e.kind(), e.to_string()));
    assert!(matches!(refused, Err((ErrorKind::Usage, text)) if text.contains("is not overwritten")));
    assert!(page.write(&format!("{MARK}three")).is_err(), "somebody put it there during the drill");
    assert!(read(&path).ends_with("mine"));
    assert!(PageFile::at(dir.path().into()).is_err(), "a directory");
    assert!(PageFile::at(dir.path().join("none/drill.html")).is_err());
}
