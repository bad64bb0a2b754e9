//! `pgherd images`, end to end with a fake AWS CLI.

use std::fs;

use crate::support::Test;
use crate::support::herd::Herd;

const BLUEPRINT: &str = "blueprints/herd.hcl";

/// A master image in use, two old ones, and a slave's.
fn with_images() -> Test {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test.hook("aws", r#"case "$*" in "ec2 describe-images"*) cat "$STATE/images"; exit ;; esac"#);
    let image = |id: &str, role: &str, made: &str| {
        format!(
            r#"{{"ImageId": "{id}", "Name": "herd-{role}-{id}", "State": "available", "CreationDate": "{made}",
            "Tags": [{{"Key": "pgherd:role", "Value": "{role}"}}, {{"Key": "pgherd:content", "Value": "hash{id}"}}],
            "BlockDeviceMappings": [{{"Ebs": {{"SnapshotId": "snap-of-{id}"}}}}]}}"#
        )
    };
    let images = [
        image("ami-3", "master", "2020-03-01T00:00:00.000Z"),
        image("ami-1", "master", "2020-01-01T00:00:00.000Z"),
        image("ami-2", "master", "2020-02-01T00:00:00.000Z"),
        image("ami-4", "slave", "2020-01-01T00:00:00.000Z"),
    ];
    fs::write(test.state("images"), format!(r#"{{"Images": [{}]}}"#, images.join(", "))).unwrap();
    let tags = r#""Tags": [{"Key": "pgherd:machine", "Value": "master"}]"#;
    let instances =
        format!(r#"{{"Reservations": [{{"Instances": [{{"InstanceId": "i-1", "ImageId": "ami-1", {tags}}}]}}]}}"#);
    fs::write(test.state("describe-instances"), instances).unwrap();
    test
}

#[test]
fn images_are_listed_with_age_hash_and_use() {
    let test = with_images();
    let done = test.run(&["images", BLUEPRINT]).exits(0).out("role hash age image state base use");
    let lines: Vec<&str> = done.stdout.lines().filter(|line| line.starts_with("master")).collect();
    assert!(
        lines[0].contains("ami-3") && lines[1].contains("ami-2") && lines[2].contains("ami-1"),
        "newest first: {lines:#?}"
    );
    assert!(lines[2].contains("hashami-1") && lines[2].contains(" d ") && lines[2].ends_with("master"), "{lines:#?}");
    assert!(lines[0].ends_with("-"), "{lines:#?}");
    assert_eq!(test.calls_of("deregister"), Vec::<String>::new());
}

#[test]
fn pruning_leaves_what_is_new_or_used() {
    let test = with_images();
    test.run(&["images", "prune", BLUEPRINT, "--keep", "1"]).exits(2).err("--yes");
    test.hook(
        "aws",
        r#"case "$*" in "ec2 describe-images"*) cat "$STATE/images"; exit ;; "ec2 deregister-image"*) exit ;; esac"#,
    );
    let done = test.run(&["images", "prune", BLUEPRINT, "--keep", "1", "--yes"]).exits(0);
    done.out("ami-2").out("1 images removed");
    let removed = test.calls_of("deregister-image");
    assert!(removed.len() == 1 && removed[0].contains("--image-id ami-2"), "{removed:#?}");
    assert_eq!(test.calls_of("delete-snapshot --snapshot-id snap-of-ami-2").len(), 1);
    test.run(&["images", "prune", BLUEPRINT, "--keep", "2", "--yes"]).exits(0).out("There are no images to remove.");
}

#[test]
fn no_answer_is_a_failure_and_nothing_goes() {
    let test = with_images();
    test.hook("aws", r#"case "$*" in *describe-instances*) echo "throttled" >&2; exit 254 ;; "ec2 describe-images"*) cat "$STATE/images"; exit ;; esac"#);
    test.run(&["images", "prune", BLUEPRINT, "--keep", "0", "--yes"])
        .exits(1)
        .err("AWS did not return the list of machines");
    assert_eq!(test.calls_of("deregister"), Vec::<String>::new());
    test.run(&["images"]).exits(2).err("<BLUEPRINT>");
    test.run(&["images", "prun", "--target", "lab"])
        .exits(2)
        .err("did you mean `pgherd images prune BLUEPRINT --keep N`?");
    let negative = test.run(&["images", "prune", BLUEPRINT, "--keep", "-1"]).exits(2);
    negative.err("'--keep <N>': write a whole number from 0 to 255");
}

const RUN: &[&str] = &["run", BLUEPRINT, "--yes"];

/// The tags that Packer would give the image of a role, with one file's hash another.
fn tags(test: &Test, role: &str, other: &str) -> String {
    let template = test.read(&format!("generated/herd/packer_templates/{role}_temp.json"));
    let template: serde_json::Value = serde_json::from_str(&template).unwrap();
    let told = template["builders"][0]["tags"].as_object().unwrap().iter();
    let tag = |(key, value): (&String, &serde_json::Value)| {
        let value = value.as_str().unwrap().replace(&format!("{other}="), &format!("{other}=0"));
        format!(r#"{{"Key": "{key}", "Value": "{value}"}}"#)
    };
    told.map(tag).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_rebuilt_image_says_which_files_differ() {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    for role in ["slave", "haproxy"] {
        fs::write(test.state(&format!("image-{role}")), "").unwrap();
    }
    let old = format!(
        r#",{{"ImageId": "ami-9", "Name": "herd-master-9", "State": "available", "CreationDate": "2026-01-01T00:00:00.000Z", "Tags": [{}]}}"#,
        tags(&test, "master", "db_config/patroni.yml")
    );
    fs::write(test.state("more-images"), old).unwrap();
    let done =
        test.run(&["run", BLUEPRINT, "--yes"]).exits(0).err("built: it differs from ami-9 in db_config/patroni.yml\n");
    done.err("image-slave unchanged herd-slave-");
    assert_eq!(test.calls_of("packer build -").len(), 1);
    assert_eq!(test.calls_of("describe-images").len(), 1);
}

#[test]
fn the_first_image_of_a_role_is_that() {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test.run(&["run", BLUEPRINT, "--yes"]).exits(0).err("built: the slave has no image yet");
    assert_eq!(test.calls_of("describe-images").len(), 1, "one question for three images");
}

#[test]
fn a_base_that_moved_on_is_told_and_taken_when_asked_for() {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test.run(&["run", BLUEPRINT, "--yes"]).exits(0);
    let bases = |newest: &str| {
        format!(
            r#",{{"ImageId": "ami-0base", "Name": "debian-13-amd64-1", "CreationDate": "2026-01-01T00:00:00.000Z"}},
            {{"ImageId": "{newest}", "Name": "debian-13-amd64-2", "CreationDate": "2026-02-01T00:00:00.000Z"}}"#
        )
    };
    fs::write(test.state("more-images"), bases("ami-0base")).unwrap();
    let done = test.run(&["run", BLUEPRINT, "--yes"]).exits(0);
    assert!(!done.stderr.contains("newest base"), "{}", done.stderr);
    fs::write(test.state("more-images"), bases("ami-0next")).unwrap();
    let done = test
        .run(&["run", BLUEPRINT, "--yes"])
        .exits(0)
        .err("is built on ami-0base (debian-13-amd64-1), but the newest base is ami-0next");
    done.err("`pgherd run --rebuild slave` uses it");
    test.run(&["run", BLUEPRINT, "--plan-only"]).exits(0);
    fs::remove_file(test.state("calls")).unwrap();
    let rebuild = |more: &[&str]| test.run(&[&["run", BLUEPRINT, "--rebuild", "slave"], more].concat());
    rebuild(&["--plan-only"]).exits(3).out("image-slave: herd-slave-").out("requested with --rebuild slave");
    rebuild(&["--yes"]).exits(0).err("image-slave done").err("image-master unchanged");
    let built = test.calls_of("packer build -");
    assert!(built.len() == 1 && built[0].contains("-force packer_templates/slave_temp.json"), "{built:?}");
    rebuild(&["--only", "network", "--yes"])
        .exits(2)
        .err("the selected stages do not include the one that builds the slave's image");
}

#[test]
fn images_are_listed_with_their_base() {
    let test = with_images();
    test.hook(
        "aws",
        r#"case "$*" in *136693071363*) echo '{"Images": [{"ImageId": "ami-0next", "Name": "debian-13-amd64-2"}]}'; exit ;;
        "ec2 describe-images"*) cat "$STATE/images"; exit ;; esac"#,
    );
    let images = fs::read_to_string(test.state("images")).unwrap();
    let based = |id: &str, base: &str| {
        format!(r#"{{"Key": "pgherd:content", "Value": "hash{id}"}}, {{"Key": "pgherd:base", "Value": "{base} x"}}"#)
    };
    let tagged = |text: String, id: &str, base: &str| {
        text.replace(&format!(r#"{{"Key": "pgherd:content", "Value": "hash{id}"}}"#), &based(id, base))
    };
    let images = tagged(tagged(images, "ami-3", "ami-0base"), "ami-2", "ami-0next");
    fs::write(test.state("images"), images).unwrap();
    let done = test.run(&["images", BLUEPRINT]).exits(0).out("ami-3 available ami-0base, now ami-0next -");
    done.out("ami-2 available ami-0next -").out("ami-1 available - master");
    assert_eq!(test.calls_of("136693071363").len(), 1, "all roles have one base");
}

#[test]
fn an_image_that_is_too_old_is_told_before_anything_is_asked() {
    let blueprint = Herd::healthy().blueprint();
    let test = Test::with_tools(&blueprint);
    test.run(&["gen"]).exits(0);
    test.run(RUN).exits(0);
    fs::write(test.state("created"), "2020-01-01T00:00:00.000Z").unwrap();
    let done = test.run(&["run", BLUEPRINT, "--plan-only"]).exits(0).err("image-slave herd-slave-");
    done.err("days ago and lacks later fixes (image.max_age_days = 30)")
        .err("`pgherd run --rebuild slave` rebuilds it");
    let done = test.run(RUN).exits(0).err("(image.max_age_days = 30)").err("image-slave unchanged");
    assert_eq!(done.stderr.matches("lacks later fixes").count(), 3, "each image once: {}", done.stderr);
    let done = test.run(&["run", BLUEPRINT, "--yes", "--format", "json"]).exits(0);
    let aged = |line: &&str| line.contains("\"aged\":\"herd-") && line.contains("days ago");
    assert_eq!(done.stdout.lines().filter(aged).count(), 3, "{}", done.stdout);
    // Unless it was built today, or the blueprint allows a greater age.
    fs::write(test.state("created"), pgherd::system::clock::rfc3339(std::time::SystemTime::now())).unwrap();
    let done = test.run(RUN).exits(0);
    assert!(!done.stderr.contains("lacks later fixes"), "{}", done.stderr);
    let patient = blueprint.replacen("region", "image { max_age_days = 3650 }\n  region", 1);
    let test = Test::with_tools(&patient);
    test.run(&["gen"]).exits(0);
    test.run(RUN).exits(0);
    fs::write(test.state("created"), "2020-01-01T00:00:00.000Z").unwrap();
    let done = test.run(RUN).exits(0);
    assert!(!done.stderr.contains("lacks later fixes"), "{}", done.stderr);
}

#[test]
fn the_age_of_the_newest_image_and_its_versions_are_listed() {
    let test = with_images();
    let images = fs::read_to_string(test.state("images")).unwrap();
    let content = r#"{"Key": "pgherd:content", "Value": "hashami-3"}"#;
    let versions = r#"{"Key": "pgherd:versions", "Value": "postgresql-17=17.6-1 kernel=6.12"}"#;
    fs::write(test.state("images"), images.replace(content, &format!("{content}, {versions}"))).unwrap();
    let done = test.run(&["images", BLUEPRINT]).exits(0).out("master: ami-3 contains postgresql-17=17.6-1 kernel=6.12");
    let done = done.out("master: herd-master-ami-3 was built").out("slave: herd-slave-ami-4 was built");
    let done = done.out("(image.max_age_days = 30); rebuild it with `pgherd run --rebuild master`");
    assert_eq!(done.stdout.matches("was built").count(), 2, "the newest of each role: {}", done.stdout);
}

#[test]
fn a_built_image_is_tagged_with_its_versions() {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    let told =
        "    amazon-ebs: provision_database.sh: versions: postgresql-17=17.6-0+deb13u1 patroni=4.0.7-1 kernel=6.12";
    test.hook("packer", &format!("case \"$1\" in build) echo '{told}' ;; esac"));
    test.run(RUN).exits(0);
    let tagged = test.calls_of("create-tags");
    assert_eq!(tagged.len(), 3, "{tagged:?}");
    let slave = tagged.iter().find(|call| call.contains("--resources ami-0slave ")).expect("the slave's");
    assert!(
        slave.contains(
            r#"[{"Key":"pgherd:versions","Value":"postgresql-17=17.6-0+deb13u1 patroni=4.0.7-1 kernel=6.12"}]"#
        )
    );

    // If AWS refuses the tag, the image is kept.
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test.hook("packer", &format!("case \"$1\" in build) echo '{told}' ;; esac"));
    test.hook("aws", "case \"$*\" in *create-tags*) echo UnauthorizedOperation >&2; exit 254 ;; esac");
    test.run(RUN).exits(0).err("could not be tagged with its versions").err("patroni=4.0.7-1");
}

/// A later Packer is told to make the builder's metadata service require tokens. Debian's, which would reject that option, is not.
#[test]
fn each_packer_gets_a_template_that_it_knows() {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    let keep = r#"case "$1" in
        version) echo "Packer v1.11.2"; exit ;;
        plugins) [ "$2" = install ] && echo "$*" >>"$STATE/installed"; [ "$2" = installed ] && cat "$STATE/plugins"; exit 0 ;;
        build) for file; do :; done; cp "$file" "$STATE/built-$(basename "$file")" ;; esac"#;
    test.hook("packer", keep);
    fs::write(test.state("plugins"), "/p/packer-plugin-amazon_v1.0.9_x5.0_linux_amd64\n").unwrap();
    test.run(&["run", BLUEPRINT, "--yes"]);
    let built = fs::read_to_string(test.state("built-master_temp.json")).unwrap();
    let options = &serde_json::from_str::<serde_json::Value>(&built).unwrap()["builders"][0]["metadata_options"];
    assert_eq!((&options["http_tokens"], &options["http_endpoint"]), (&"required".into(), &"enabled".into()));
    assert_eq!(test.calls_of(".pgherd/packer/master_temp.json").len(), 1);
    // Its plugin signs with SHA-1, so a newer one is installed, once for all images.
    assert_eq!(fs::read_to_string(test.state("installed")).unwrap().lines().count(), 1);

    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    test.run(&["run", BLUEPRINT, "--yes"]);
    assert_eq!(test.calls_of("packer build -color=false -on-error=cleanup packer_templates/master_temp.json").len(), 1);
}

#[test]
fn a_packer_that_signs_with_sha1_is_refused_and_doctor_says_which() {
    let test = Test::with_tools(&Herd::healthy().blueprint());
    test.run(&["gen"]).exits(0);
    for (script, problem) in [
        ("echo Packer v1.6.6", "UNFIT packer 1.6.6"),
        ("echo Packer v1.6.5 # server-sig-algs", "UNFIT packer 1.6.5"),
        ("echo Packer v1.7.10 # server-sig-algs", "UNFIT packer 1.7.10"),
        ("echo Packer v1.8.0", "UNFIT packer 1.8.0"),
    ] {
        test.program("packer", script);
        test.run(&["doctor"]).exits(4).out(problem).out("get 1.8.1 or newer");
        test.run(&["run", BLUEPRINT, "--yes"]).exits(4).err("packer").err("missing: packer");
    }
    assert_eq!(test.calls_of(" apply "), [""; 0]);
    test.program("packer", "echo Packer v1.6.6");
    test.run(&["doctor"]).exits(4).out("signs with SHA-1");
    test.program("packer", "echo Packer v1.6.6 # server-sig-algs");
    test.run(&["doctor"]).exits(0).out("ok packer 1.6.6, a rebuild that signs with SHA-2");
    test.program("packer", "echo Packer v1.11.2");
    test.run(&["doctor"]).exits(0).out("ok packer 1.11.2");
}
