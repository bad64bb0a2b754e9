//! Fake tools that create things in an account. What they create exists until it is removed, whether or not a state records it.
//!
//! Each thing is a file in the state's folder `ec2`, named by its id. Terraform creates one per module and then writes its state, which is
//! incomplete meanwhile. Packer creates a builder machine with its group, key and volume, then an image that is incomplete at first, and
//! removes the builder. Both shut down cleanly when they are told to. The fake AWS CLI reports all of it.

use std::fs;

use super::Test;

/// Adds the tools to a test's `PATH`.
pub fn put_into(test: &Test) {
    fs::create_dir_all(test.state("ec2")).unwrap();
    for (name, script) in [("packer", PACKER), ("terraform", TERRAFORM), ("aws", AWS)] {
        let said = format!("echo \"{name} $* [${{PWD##*/work/}}]\" >>\"$STATE/calls\"\n");
        test.program(name, &(said + script));
    }
}

/// Returns the ids of everything that exists, sorted.
pub fn things(test: &Test) -> Vec<String> {
    let entries = fs::read_dir(test.state("ec2")).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Removes everything.
pub fn clear(test: &Test) {
    things(test).iter().for_each(|thing| fs::remove_file(test.state("ec2").join(thing)).unwrap());
}

const TERRAFORM: &str = r#"
[ "$1" = version ] && { echo '{"terraform_version": "1.11.4"}'; exit; }
dir=${1#-chdir=} module=$(basename "$dir")
state=$dir/terraform.tfstate
case "$2" in
init) mkdir -p "$dir/.terraform" ;;
plan)
    for out; do case "$out" in -out=*) file="$dir/${out#-out=}" ;; esac; done
    [ -f "$state" ] && ! grep -q '}$' "$state" && { echo "Error: the state is torn"; exit 1; }
    case "$*" in *-destroy*) echo "No changes."; exit 0 ;; esac
    [ -f "$state" ] && { echo "No changes."; exit 0; }
    if grep -q "to = aws_vpc.$module" "$dir/pgherd_import.tf" 2>/dev/null; then
        echo import >"$file"
    else
        echo create >"$file"
    fi
    exit 2
    ;;
apply)
    trap 'told=yes' INT TERM
    for file; do :; done
    # The shell reads and writes it itself: Ctrl-C would end a program between them, and then there is a state without its thing.
    read -r planned <"$dir/$file"
    if [ "$planned" = create ]; then
        sleep 0.03
        echo thing >"$STATE/ec2/vpc-$module-$$"
        for i in 1 2 3; do echo "aws_vpc.$module: Still creating... [$i]"; sleep 0.02; done
    fi
    printf '{"serial": 1' >"$state"
    sleep 0.03
    echo '}' >>"$state"
    [ -z "$told" ] || { echo "Error: execution halted"; exit 1; }
    echo "Apply complete!"
    ;;
show)
    for file; do :; done
    case $(cat "$dir/$file") in create) action=create importing=null ;; *) action=no-op importing='{"id": "vpc"}' ;; esac
    echo "{\"format_version\": \"1.2\", \"resource_changes\": [{\"address\": \"aws_vpc.$module\", \"mode\": \"managed\",
        \"type\": \"aws_vpc\", \"change\": {\"actions\": [\"$action\"], \"importing\": $importing,
        \"after\": {\"tags_all\": {\"Name\": \"$module\", \"pgherd:cluster\": \"herd/eu-west-1\"}}}}]}" ;;
output) echo '{"public_addresses": {"value": {"haproxy": "127.0.0.1", "haproxy2": "127.0.0.2"}}}' ;;
*) echo "no such verb $2"; exit 1 ;;
esac
"#;

const PACKER: &str = r#"
case "$1" in
# Debian's own, whose SSH library knows server-sig-algs.
version) echo "Packer v1.6.6" ;;
build)
    trap 'told=yes' INT TERM
    for template; do :; done
    role=$(basename "$template" _temp.json) id=$(printf '%08x' "$(date +%s)")-$$
    name=$(sed -n 's/.*"ami_name": "\(.*\)".*/\1/p' "$template")
    ls "$STATE/ec2" | grep -q "^ami-0$role" && { echo "Error: the name $name is taken"; exit 1; }
    now=$(date -u +%FT%TZ)
    for kind in packer_ sg-0 i-0 vol-0; do
        echo "$now" >"$STATE/ec2/$kind$id-$role"
        sleep 0.02
    done
    [ "$told" ] || { echo "$name half" >"$STATE/ec2/ami-0$role-$$"; sleep 0.05; }
    [ "$told" ] || echo "$name whole" >"$STATE/ec2/ami-0$role-$$"
    [ "$told" ] && rm -f "$STATE/ec2/ami-0$role-$$"
    for kind in i-0 vol-0 sg-0 packer_; do
        rm -f "$STATE/ec2/$kind$id-$role"
        sleep 0.01
    done
    [ -z "$told" ] || { echo "Build was cancelled."; exit 1; }
    echo "eu-west-1: ami-0$role-$$"
    ;;
*) echo "no such verb"; exit 127 ;;
esac
"#;

const AWS: &str = r#"
cd "$STATE/ec2" || exit 1
each() { for file in $1*; do [ -f "$file" ] && id=$file role=${file##*-} made=$(cat "$file") && "$2"; done; }
tags() { echo "\"Tags\": [{\"Key\": \"Name\", \"Value\": \"$1\"}, {\"Key\": \"pgherd:cluster\", \"Value\": \"herd/eu-west-1\"}]"; }
asked() { case "$words" in *"packer builder herd-$role"*) return 0 ;; esac; return 1; }
comma() { printf '%s%s' "$between" "$1"; between=,; }
words=$*
machine() { asked && comma "{\"InstanceId\": \"$id\", \"LaunchTime\": \"$made\", \"KeyName\": \"packer_${id#i-0}\", $(tags "packer builder herd-$role"),
    \"SecurityGroups\": [{\"GroupId\": \"sg-0${id#i-0}\", \"GroupName\": \"packer_${id#i-0}\"}]}"; }
group() { asked && comma "{\"GroupId\": \"$id\", \"GroupName\": \"packer_${id#sg-0}\", $(tags "packer builder herd-$role")}"; }
key() { asked && comma "{\"KeyName\": \"$id\", $(tags "packer builder herd-$role")}"; }
volume() { asked && comma "{\"VolumeId\": \"$id\", \"CreateTime\": \"$made\", $(tags "packer builder herd-$role")}"; }
tagged() { for pair in "pgherd:cluster=herd/eu-west-1" "Name=$2"; do
    comma "{\"ResourceId\": \"$id\", \"ResourceType\": \"$1\", \"Key\": \"${pair%%=*}\", \"Value\": \"${pair#*=}\"}"; done; }
of_builder() { case "$id" in i-*) kind=instance ;; sg-*) kind=security-group ;; vol-*) kind=volume ;; packer_*) kind=key-pair ;; esac
    tagged "$kind" "packer builder herd-$role"; }
vpc() { comma "{\"id\": \"$id\", \"is\": {\"tags_all\": [{\"Key\": \"Name\", \"Value\": \"$(echo "$id" | cut -d- -f2)\"},
    {\"Key\": \"pgherd:cluster\", \"Value\": \"herd/eu-west-1\"}]}}"; }
of_vpc() { tagged vpc "$id"; }
image() {
    name=${made% *} role=$(echo "${id#ami-0}" | cut -d- -f1)
    case "$words" in *"Name=name,Values="*) case "$words" in *"$name"* | *"${name%-*}-*"*) ;; *) return ;; esac ;; esac
    [ "${made##* }" = whole ] && content=", {\"Key\": \"pgherd:content\", \"Value\": \"x\"}, {\"Key\": \"pgherd:role\", \"Value\": \"$role\"}"
    state=available; [ "${made##* }" = whole ] || state=pending
    comma "{\"ImageId\": \"$id\", \"Name\": \"$name\", \"State\": \"$state\", \"CreationDate\": \"2026-01-01T00:00:00Z\",
        \"Tags\": [{\"Key\": \"pgherd:cluster\", \"Value\": \"herd/eu-west-1\"}$content]}"
    content=
}
case "$1 $2" in
--version*) echo "aws-cli/2.15.1 Python/3.11" ;;
"sts get-caller-identity") echo '{"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/test"}' ;;
"ec2 describe-images") echo "{\"Images\": [$(each ami- image)]}" ;;
"ec2 describe-instances") echo "{\"Reservations\": [{\"Instances\": [$(each i-0 machine)]}]}" ;;
"ec2 describe-security-groups") echo "{\"SecurityGroups\": [$(each sg-0 group)]}" ;;
"ec2 describe-key-pairs") echo "{\"KeyPairs\": [$(each packer_ key)]}" ;;
"ec2 describe-volumes") echo "{\"Volumes\": [$(each vol-0 volume)]}" ;;
"ec2 describe-vpcs") echo "[$(each vpc- vpc)]" ;;
"ec2 describe-tags") echo "{\"Tags\": [$(each vpc- of_vpc; for one in i-0 sg-0 vol-0 packer_; do each $one of_builder; done)]}" ;;
"ec2 wait" | "ec2 create-tags") ;;
"ec2 terminate-instances" | "ec2 delete-"* | "ec2 deregister-image") rm -f "$4" ;;
*) echo "no such verb $1 $2" >&2; exit 1 ;;
esac
"#;
