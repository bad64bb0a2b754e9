use super::*;

/// What etcd 3.5.16 returned.
const STATUS: &str = r#"{"header":{"cluster_id":"17496068417293240249", "member_id":"11899211072982767986", "revision":"2", "raft_term":"2"}, "version":"3.5.16", "dbSize":"20480", "leader":"1514788396788848948", "raftIndex":"9", "raftTerm":"2", "raftAppliedIndex":"9", "dbSizeInUse":"16384"}"#;
/// What it returned when the two others were gone.
const ALONE: &str = r#"{"header":{"cluster_id":"17496068417293240249", "member_id":"11899211072982767986", "revision":"2", "raft_term":"2"}, "version":"3.5.16", "dbSize":"20480", "raftIndex":"9", "raftTerm":"2", "raftAppliedIndex":"9", "errors":["etcdserver: no leader", "memberID:11899211072982767986 alarm:NOSPACE ", "alarm:CORRUPT "], "dbSizeInUse":"20480"}"#;
const MEMBERS: &str = r#"{"header":{"cluster_id":"17496068417293240249", "member_id":"11899211072982767986", "raft_term":"2"}, "members":[{"ID":"1514788396788848948", "name":"m2", "peerURLs":["http://127.0.1.2:2380"], "clientURLs":["http://127.0.1.2:2379"]}, {"ID":"7", "peerURLs":["http://127.0.1.1:2380"]}]}"#;
const HASH: &str = r#"{"header":{"cluster_id":"17496068417293240249", "member_id":"11899211072982767986", "revision":"2", "raft_term":"2"}, "hash":3628877040, "compact_revision":"-1"}"#;

fn read_of(status: &str, hash: Result<&str, NoReport>) -> Result<EtcdReport, NoReport> {
    report(|call| match call {
        "status" => Ok(status.to_string()),
        "members" => Ok(MEMBERS.to_string()),
        "hash" => hash.clone().map(String::from),
        other => panic!("{other} is asked for"),
    })
}

#[test]
fn a_report_is_read_as_etcd_writes_it() {
    let read = read_of(STATUS, Ok(HASH)).unwrap();
    let status = &read.status;
    assert_eq!((status.id(), status.cluster()), (11899211072982767986, 17496068417293240249));
    assert_eq!((status.leader(), status.term, status.applied), (Some(1514788396788848948), 2, 9));
    assert_eq!((status.size, status.version.as_str(), status.alarms()), (20480, "3.5.16", vec![]));
    assert_eq!(read.hash, Some(KeysHash { hash: 3628877040, revision: 2, compacted: -1 }));
    assert_eq!((read.members[0].name.as_str(), read.members[0].id), ("m2", 1514788396788848948));
    assert_eq!(read.members[1].clients, [""; 0], "it has never started");
}

#[test]
fn a_member_without_a_leader_reports_alarms_beside_it() {
    let read = read_of(ALONE, Ok(HASH)).unwrap();
    assert_eq!(read.status.leader(), None);
    let alarm = |what: &str, member| Alarm { what: what.into(), member };
    assert_eq!(read.status.alarms(), [alarm("NOSPACE", 11899211072982767986), alarm("CORRUPT", 0)]);
    // What is not understood is not dropped.
    let other = ALONE.replace("alarm:CORRUPT ", "something new");
    assert_eq!(read_of(&other, Ok(HASH)).unwrap().status.alarms()[1], alarm("something new", 0));
}

#[test]
fn what_is_not_a_report_is_none() {
    // etcd 3.4 has no such call.
    assert_eq!(read_of(STATUS, Err(NoReport::NoPath)).unwrap().hash, None);
    assert_eq!(read_of(STATUS, Err(NoReport::Hangs)), Err(NoReport::Hangs));
    for broken in ["", "{}", r#"{"header": {"cluster_id": 1, "member_id": "1"}}"#, "<html>"] {
        let read = read_of(broken, Ok(HASH));
        assert!(
            matches!(&read, Err(NoReport::Other(why)) if why.contains("unexpected response")),
            "{broken}: {read:?}"
        );
    }
}

#[test]
fn keys_are_compared_at_the_same_point_only() {
    let one = read_of(STATUS, Ok(HASH)).unwrap();
    let with = |change: &dyn Fn(&mut EtcdReport)| {
        let mut other = one.clone();
        change(&mut other);
        other
    };
    assert_eq!(one.same_keys(&one), Some(true));
    let other_hash = with(&|r| r.hash.as_mut().unwrap().hash = 1);
    assert_eq!(one.same_keys(&other_hash), Some(false));
    let behind = with(&|r| {
        r.hash.as_mut().unwrap().revision = 1;
        r.status.header.revision = 1;
        r.status.applied = 8;
    });
    assert_eq!(one.same_keys(&behind), None, "it may only be late");
    let forked = with(&|r| {
        r.hash.as_mut().unwrap().revision = 1;
        r.status.header.revision = 1;
    });
    assert_eq!(one.same_keys(&forked), Some(false), "after the same entries, another revision");
    let without = with(&|r| r.hash = None);
    assert_eq!(one.same_keys(&without), None);

    let answers = |reports: &[&EtcdReport]| -> Vec<EtcdAnswer> {
        reports.iter().map(|r| EtcdAnswer { machine: "m".into(), report: Ok((*r).clone()) }).collect()
    };
    assert!(agree(&answers(&[&one, &one])) && agree(&answers(&[&without, &without])) && agree(&[]));
    assert!(!agree(&answers(&[&one, &behind])) && !agree(&answers(&[&one, &other_hash])));
}
