//! The lab leaves nothing behind, and nothing leaves the lab. These tests need root and the lab's prerequisites (`.ci/setup`).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::lab;
use crate::lab::{Inventory, Lab, STATE, pgherd, text};

/// An address of TEST-NET-2 (RFC 5737), which no host has.
const OUTSIDE: &str = "198.51.100.1";
const PROXY: &str = "198.18.77.1:3128";

#[test]
fn a_lab_leaves_nothing_behind() {
    let lab = Lab::take();
    let before = Inventory::take();
    lab.ok(&["lab", "up"]);
    assert_eq!(lab.ok(&["lab", "up"]), "The lab was already running.");
    let machine = lab.machine("172.31.0.10");
    lab.machine("172.31.0.11");
    assert!(!before.left_behind().is_empty(), "a lab that is up must be seen");

    lab.ok(&["lab", "kill", &machine]);
    assert!(lab.ok(&["lab", "ps"]).contains("off"));
    lab.ok(&["lab", "start", &machine]);
    lab.await_running(&machine);

    lab.ok(&["lab", "down"]);
    assert_eq!(before.left_behind(), [""; 0]);
    lab.ok(&["lab", "down"]);
}

#[test]
fn a_lab_whose_daemons_were_killed_leaves_nothing_behind() {
    let lab = Lab::take();
    let before = Inventory::take();
    lab.ok(&["lab", "up"]);
    let machine = lab.machine("172.31.0.10");
    for daemon in ["controller", "moto", "proxy"] {
        kill(daemon);
    }
    assert!(lab.in_machine(&machine, "true").status.success(), "the machine runs on");

    lab.ok(&["lab", "down"]);
    assert_eq!(before.left_behind(), [""; 0]);
}

#[test]
fn a_lab_without_its_controller_gets_it_back() {
    let lab = Lab::take();
    lab.ok(&["lab", "up"]);
    let machine = lab.machine("172.31.0.10");
    kill("controller");
    assert_eq!(lab.ok(&["lab", "up"]), "The lab is running.");
    assert!(lab.in_machine(&machine, "true").status.success(), "the machine runs on");
    lab.machine("172.31.0.11");
}

#[test]
fn a_lab_that_cannot_come_up_leaves_nothing_behind_and_says_why() {
    let lab = Lab::take();
    let before = Inventory::take();
    let broken = tempfile::tempdir().unwrap();
    let moto = broken.path().join("moto_server");
    fs::write(&moto, "#!/bin/sh\necho 'no such module: flask'\nexit 1\n").unwrap();
    fs::set_permissions(&moto, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", broken.path().display(), std::env::var("PATH").unwrap());

    let output = pgherd().args(["lab", "up"]).env("PATH", path).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains("no such module: flask"), "{}", text(&output));
    assert_eq!(before.left_behind(), [""; 0]);
    drop(lab);
}

#[test]
fn what_is_missing_is_said_all_at_once() {
    let lab = Lab::take();
    let few = tempfile::tempdir().unwrap();
    let output = pgherd().args(["lab", "up"]).env("PATH", few.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output));
    for word in ["debootstrap", "systemd-container", "tinyproxy-bin", "moto_server", "terraform"] {
        assert!(text(&output).contains(word), "{word} is not in:\n{}", text(&output));
    }
    drop(lab);
}

#[test]
fn nothing_leaves_the_lab_but_package_downloads() {
    let lab = Lab::take();
    lab.ok(&["lab", "up"]);
    let machine = lab.machine("172.31.0.10");
    let other = lab.machine("172.31.0.11");

    // From a machine, the packet is refused at once, not lost on the way.
    let begin = Instant::now();
    let refused = lab.in_machine(&machine, &connect(&format!("{OUTSIDE}/80")));
    assert!(text(&refused).contains("Network is unreachable"), "{}", text(&refused));
    assert!(begin.elapsed() < Duration::from_secs(3), "it took {:?}", begin.elapsed());
    assert!(lab.in_machine(&machine, &connect("172.31.0.11/22")).status.success(), "machines reach each other");
    assert!(lab.in_machine(&other, &connect("169.254.169.254/80")).status.success(), "machines reach the API");

    // The same from where packer and terraform run, with packer itself.
    let refused = lab.run(&["lab", "shell", "--", "bash", "-c", &connect(&format!("{OUTSIDE}/80"))]);
    assert!(text(&refused).contains("Network is unreachable"), "{}", text(&refused));
    let dir = tempfile::tempdir().unwrap();
    let template = dir.path().join("outside.json");
    let builder = r#"{"type": "null", "ssh_host": "198.51.100.1", "ssh_username": "x", "ssh_password": "x", "ssh_timeout": "2s"}"#;
    fs::write(&template, format!("{{\"builders\": [{builder}]}}")).unwrap();
    let packer = ["packer", "build", template.to_str().unwrap()];
    let refused = lab.run(&[&["lab", "shell", "--", "env", "PACKER_LOG=1"][..], &packer].concat());
    assert!(!refused.status.success());
    assert!(text(&refused).contains("network is unreachable"), "{}", text(&refused));

    // There is no other route: the lab has routes to its own link and to its machines, and no default route.
    let routes = Command::new("ip").args(["-n", "pgherd-lab", "route", "show"]).output().unwrap();
    for route in String::from_utf8(routes.stdout).unwrap().lines() {
        assert!(route.starts_with("172.31.0.1") || route.starts_with("198.18.77.0/30 dev host"), "{route}");
    }

    // The proxy serves only the mirrors.
    let ask = format!(
        "exec 3<>/dev/tcp/{}; printf 'GET http://{OUTSIDE}/ HTTP/1.0\\r\\n\\r\\n' >&3; head -1 <&3",
        PROXY.replace(':', "/")
    );
    let refused = lab.in_machine(&machine, &ask);
    assert!(text(&refused).contains(" 403 "), "{}", text(&refused));
    let update = lab.in_machine(&machine, "apt-get update -qq -o APT::Update::Error-Mode=any");
    assert!(update.status.success(), "{}", text(&update));
}

#[test]
fn security_groups_decide_who_gets_in() {
    let lab = Lab::take();
    lab.ok(&["lab", "up"]);
    let vpc = lab.aws(&["ec2", "describe-vpcs", "--query", "Vpcs[0].VpcId"]);
    let group = |name: &str| {
        let make = ["ec2", "create-security-group", "--group-name", name, "--description", name, "--vpc-id", &vpc];
        lab.aws(&[&make[..], &["--query", "GroupId"]].concat())
    };
    let rule = |what: &str, group: &str, rest: &[&str]| {
        let rule = ["--group-id", group, "--protocol", "tcp", "--port", "5000"];
        lab.aws(&[&["ec2", what], &rule[..], rest].concat());
    };
    let (servers, friends) = (group("servers"), group("friends"));
    let (open, close) = ("authorize-security-group-ingress", "revoke-security-group-ingress");
    rule(open, &servers, &["--cidr", "172.31.0.11/32"]);
    let server = lab.machine("172.31.0.10");
    let client = lab.machine("172.31.0.11");
    let other = lab.machine("172.31.0.12");
    let join = |machine: &str, group: &str| {
        lab.aws(&["ec2", "modify-instance-attribute", "--instance-id", machine, "--groups", group]);
    };
    join(&server, &servers);
    for port in [5000, 5001] {
        let listen = format!("import socket, time; kept = socket.create_server((\"\", {port})); time.sleep(600)");
        let unit = format!("systemd-run -q --unit listen-{port} python3 -c '{listen}'");
        assert!(lab.in_machine(&server, &unit).status.success());
    }
    // Without a permission the packet is lost, and nobody says so. The controller looks every 300 ms.
    let reach = |machine: &str, port: u16| {
        let connect = format!("timeout 1 bash -c '{}' 2>&1", connect(&format!("172.31.0.10/{port}")));
        match lab.in_machine(machine, &connect) {
            output if output.status.success() => "connected".to_string(),
            output if output.status.code() == Some(124) => "silence".to_string(),
            output => text(&output),
        }
    };
    let becomes = |machine: &str, what: &str| {
        assert!(lab::within(Duration::from_secs(5), || reach(machine, 5000) == what), "{}", reach(machine, 5000));
    };
    becomes(&client, "connected");
    becomes(&other, "silence");
    assert_eq!(reach(&client, 5001), "silence", "the rule is for another port");
    let hold = format!("systemd-run -q bash -c '{}; sleep 100'", connect("172.31.0.10/5000"));
    assert!(lab.in_machine(&client, &hold).status.success());
    let held = || text(&lab.in_machine(&client, "ss -Htn state established dst 172.31.0.10")).contains(":5000");
    assert!(lab::within(Duration::from_secs(5), held));

    // Rules are followed as they change. What is connected stays connected.
    rule(close, &servers, &["--cidr", "172.31.0.11/32"]);
    rule(open, &servers, &["--source-group", &friends]);
    becomes(&client, "silence");
    assert!(held(), "a connection must outlive the rule that let it in");
    join(&other, &friends);
    becomes(&other, "connected");

    // A group's egress rules bind its members.
    let all = ["--group-id", &friends, "--protocol", "all", "--cidr", "0.0.0.0/0"];
    lab.aws(&[&["ec2", "revoke-security-group-egress"], &all[..]].concat());
    becomes(&other, "silence");
}

#[test]
fn machines_are_what_instances_are_on_ec2() {
    let lab = Lab::take();
    lab.ok(&["lab", "up"]);
    let machine = lab.machine("172.31.0.10");
    let other = lab.machine("172.31.0.11");

    // A unit with every hardening option that Debian's packages use.
    let harden = "systemd-run --wait --pipe -q -p User=games -p PrivateTmp=yes -p PrivateDevices=yes -p ProtectSystem=strict \
        -p ProtectHome=yes -p ProtectKernelTunables=yes -p ProtectControlGroups=yes -p ProtectProc=invisible -p NoNewPrivileges=yes \
        -p RestrictNamespaces=yes -p MemoryDenyWriteExecute=yes -p SystemCallFilter=@system-service -p CapabilityBoundingSet= \
        -p StateDirectory=hard -p LimitNOFILE=65536 -p OOMScoreAdjust=-500";
    let ran = lab.in_machine(&machine, &format!("{harden} sh -c 'touch /var/lib/hard/mine && ! touch /usr/other'"));
    assert!(ran.status.success(), "{}", text(&ran));

    // Each machine has its own identity.
    let identity = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub; hostname";
    let (one, two) = (lab.in_machine(&machine, identity), lab.in_machine(&other, identity));
    assert!(one.status.success() && two.status.success());
    assert!(text(&one).ends_with("ip-172-31-0-10\n"), "{}", text(&one));
    assert!(text(&one).lines().zip(text(&two).lines()).all(|(a, b)| a != b));

    // After a power cut no connection is closed, nobody who asks gets a response, and the disk is unchanged.
    assert!(lab.in_machine(&machine, "echo kept >/root/kept").status.success());
    let hold = format!("systemd-run -q bash -c '{}; sleep 100'", connect("172.31.0.10/22"));
    assert!(lab.in_machine(&other, &hold).status.success());
    let connected = || text(&lab.in_machine(&other, "ss -Htn state established dst 172.31.0.10")).contains(":22");
    assert!(lab::within(Duration::from_secs(5), connected), "the connection must be there before the power cut");
    lab.ok(&["lab", "kill", &machine]);
    std::thread::sleep(Duration::from_secs(2));
    assert!(connected(), "a machine without power cannot say goodbye");
    let ask = format!("timeout 2 bash -c '{}'", connect("172.31.0.10/22"));
    assert_eq!(lab.in_machine(&other, &ask).status.code(), Some(124), "a machine without power must be silent");
    lab.ok(&["lab", "start", &machine]);
    lab.await_running(&machine);
    assert_eq!(text(&lab.in_machine(&machine, "cat /root/kept")), "kept\n");
}

#[test]
fn metadata_is_served_to_a_machine_with_a_token_of_its_own() {
    let lab = Lab::take();
    lab.ok(&["lab", "up"]);
    let machine = lab.machine("172.31.0.10");
    let other = lab.machine("172.31.0.11");
    let ask = |machine: &str, method: &str, path: &str, header: &str| {
        let request = format!("'{method} /latest/{path} HTTP/1.0\\r\\n{header}\\r\\n\\r\\n'");
        let script = format!("{}; printf {request} >&3; cat <&3", connect("169.254.169.254/80"));
        let answer = text(&lab.in_machine(machine, &script));
        let code = answer.split(' ').nth(1).unwrap_or_default().to_string();
        (code, answer.rsplit_once("\r\n\r\n").map(|(_, body)| body.to_string()).unwrap_or_default())
    };
    let token = |of: &str, seconds: u32| {
        ask(of, "PUT", "api/token", &format!("X-aws-ec2-metadata-token-ttl-seconds: {seconds}"))
    };
    let look = |of: &str, header: &str| ask(of, "GET", "meta-data/ami-launch-index", header).0;
    let with = |token: &str| format!("X-aws-ec2-metadata-token: {token}");

    assert_eq!(look(&machine, "Accept: */*"), "200", "an instance that does not require tokens");
    lab.aws(&["ec2", "modify-instance-metadata-options", "--instance-id", &machine, "--http-tokens", "required"]);
    assert_eq!(look(&machine, "Accept: */*"), "401", "no token");
    let (mine, others) = (token(&machine, 60).1, token(&other, 60).1);
    assert_eq!(look(&machine, &with(&mine)), "200");
    assert_eq!(look(&machine, &with(&others)), "401", "another machine's token");
    assert_eq!(token(&machine, 21601).0, "400", "longer than six hours");
}

#[test]
fn images_that_say_what_is_in_them_outlive_the_lab() {
    let lab = Lab::take();
    lab.ok(&["lab", "up"]);
    let builder = lab.machine("172.31.0.10");
    assert!(lab.in_machine(&builder, "echo built >/root/built").status.success());
    lab.aws(&["ec2", "stop-instances", "--instance-ids", &builder]);
    let create =
        ["ec2", "create-image", "--instance-id", &builder, "--name", "test-lab-0123456789ab", "--query", "ImageId"];
    let image = lab.aws(&create);
    lab.aws(&["ec2", "create-tags", "--resources", &image, "--tags", "Key=pgherd:content,Value=0123456789ab"]);
    lab.aws(&["ec2", "terminate-instances", "--instance-ids", &builder]);
    assert!(
        lab::within(Duration::from_secs(30), || !lab.ok(&["lab", "ps"]).contains(&builder)),
        "{}",
        lab::console(&builder)
    );

    lab.ok(&["lab", "down"]);
    lab.ok(&["lab", "up"]);
    let tag = "Name=tag:pgherd:content,Values=0123456789ab";
    let find = ["ec2", "describe-images", "--owners", "self", "--filters", tag, "--query", "Images[].ImageId"];
    assert_eq!(lab.aws(&find), image);
    let machine = lab.machine_of(&image, "172.31.0.11");
    // What the lab put into the builder is not part of the image. It is there because this, too, is a machine of the lab.
    let proxies = "cat /root/built; ls /etc/apt/apt.conf.d/00pgherd-lab";
    assert_eq!(text(&lab.in_machine(&machine, proxies)), "built\n/etc/apt/apt.conf.d/00pgherd-lab\n");
    let kept = format!("/var/cache/pgherd/images/{image}");
    assert!(!fs::exists(format!("{kept}/root/etc/apt/apt.conf.d/00pgherd-lab")).unwrap());

    lab.aws(&["ec2", "deregister-image", "--image-id", &image]);
    assert!(lab::within(Duration::from_secs(10), || !fs::exists(format!("{kept}/image.json")).unwrap()));
    lab.ok(&["lab", "down"]);
    lab.ok(&["lab", "up"]);
    assert_eq!(lab.aws(&find), "");
    assert!(!fs::exists(&kept).unwrap());
}

fn connect(address: &str) -> String {
    format!("exec 3<>/dev/tcp/{address}")
}

/// Sends SIGKILL to one of the lab's daemons, whose process id the lab has recorded.
fn kill(daemon: &str) {
    let record = fs::read_to_string(format!("{STATE}/daemons/{daemon}.json")).unwrap();
    let pid = serde_json::from_str::<serde_json::Value>(&record).unwrap()["pid"].to_string();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
}
