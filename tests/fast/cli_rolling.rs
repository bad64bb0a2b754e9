//! Several HAProxies are changed one after the other, each while another one is healthy.

use serde_json::{Value, json};

use crate::support::Test;
use crate::support::herd::Herd;

const RUN: &[&str] = &["run", "blueprints/herd.hcl", "--yes", "--wait", "2"];
/// Plans of HAProxy's module: `$STATE/left` says what is left to do. A plan with targets is for the first HAProxy alone.
const HOOK: &str = r#"
file() { for word; do :; done; echo "load_balancer/terraform_haproxy/$word"; }
case "$*" in
*" output "*) cat "$STATE/addresses"; exit ;;
*terraform_haproxy*" plan "*)
    for word; do case "$word" in -out=*) plan=load_balancer/terraform_haproxy/${word#-out=} ;; esac; done
    case "$*" in *-target=*) echo "$(cat "$STATE/left")-1" >"$plan" ;; *) cat "$STATE/left" >"$plan" ;; esac
    [ "$(cat "$plan")" = none ] && { echo "No changes."; exit 0; }
    exit 2 ;;
*terraform_haproxy*" show "*) cat "$STATE/plan-$(cat "$(file "$@")")"; exit ;;
*terraform_haproxy*" apply "*)
    case "$(cat "$(file "$@")")" in *-1) echo last >"$STATE/left" ;; *) echo none >"$STATE/left" ;; esac
    touch "$STATE/made-terraform_haproxy"
    exit ;;
esac
"#;

fn change(address: &str, actions: &[&str]) -> Value {
    let kind = address.split('.').next();
    json!({"address": address, "mode": "managed", "type": kind, "change": {"actions": actions, "before": {}, "after": {}}})
}

fn of(name: &str, actions: &[&str]) -> Vec<Value> {
    ["aws_instance", "aws_eip_association"].map(|kind| change(&format!("{kind}.haproxy[\"{name}\"]"), actions)).to_vec()
}

const REPLACED: &[&str] = &["delete", "create"];

/// A cluster that is up, with HAProxies as its blueprint has them. `second` is where the second one is reached. `whole` is the plan of the module, `first` what of
/// it can be done to one HAProxy, and `last` the rest.
fn rolling(blueprint: &str, second: &str, [whole, first, last]: [Vec<Value>; 3]) -> Test {
    let test = Test::with_tools(blueprint);
    test.run(&["gen"]).exits(0);
    let addresses = json!({"public_addresses": {"value": {"haproxy": "127.0.0.1", "haproxy2": second}}});
    std::fs::write(test.state("addresses"), addresses.to_string()).unwrap();
    for (name, changes) in [("both", whole), ("both-1", first), ("last", last)] {
        let plan = json!({"format_version": "1.2", "complete": name != "both-1", "resource_changes": changes});
        std::fs::write(test.state(&format!("plan-{name}")), plan.to_string()).unwrap();
    }
    std::fs::write(test.state("left"), "both").unwrap();
    test.hook("terraform", HOOK);
    test
}

#[test]
fn one_haproxy_is_replaced_and_healthy_before_the_other_is() {
    let (first, last) = (of("haproxy", REPLACED), of("haproxy2", REPLACED));
    let herd = Herd::healthy();
    let test = rolling(&herd.blueprint_of_two(), "127.0.0.1", [[first.clone(), last.clone()].concat(), first, last]);
    test.run(RUN).exits(0).err("haproxy goes first, so that clients always have a HAProxy");
    let calls = test.calls_of("terraform_haproxy");
    let changes: Vec<&String> =
        calls.iter().filter(|call| call.contains(" plan ") || call.contains(" apply ")).collect();
    let targets = "-target=aws_instance.haproxy[\"haproxy\"] -target=aws_eip_association.haproxy[\"haproxy\"]";
    let at = changes.iter().position(|call| call.contains(targets)).unwrap_or_else(|| panic!("{changes:#?}"));
    let verbs: Vec<bool> = changes[at..].iter().map(|call| call.contains(" apply ")).collect();
    assert_eq!(verbs, [false, true, false, true], "a plan and an apply for each: {changes:#?}");
}

#[test]
fn a_new_haproxy_comes_before_the_old_one_goes() {
    let (first, last) = (of("haproxy2", &["create"]), of("haproxy", REPLACED));
    let herd = Herd::healthy();
    let test = rolling(&herd.blueprint_of_two(), "127.0.0.1", [[last.clone(), first.clone()].concat(), first, last]);
    test.run(RUN).exits(0).err("haproxy2 goes first");
    assert_eq!(test.calls_of("terraform_haproxy apply").len(), 2);
}

#[test]
fn clients_never_lose_a_haproxy_while_no_other_is_healthy() {
    let (first, last) = (of("haproxy", REPLACED), of("haproxy2", REPLACED));
    let herd = Herd::healthy();
    // Nobody listens at the second one's address.
    let plans = || [[first.clone(), last.clone()].concat(), first.clone(), last.clone()];
    let test = rolling(&herd.blueprint_of_two(), "127.0.0.2", plans());
    let done = test.run(RUN).exits(1).err("no other HAProxy responds as healthy, so haproxy was not changed");
    done.err("one HAProxy after the other");
    assert_eq!(test.calls_of("terraform_haproxy apply"), [""; 0]);
    // What was not in the plan that was confirmed is not done.
    let [whole, _, last] = plans();
    let test = rolling(&herd.blueprint_of_two(), "127.0.0.1", [whole, of("other", REPLACED), last]);
    test.run(RUN).exits(1).err("aws_instance.haproxy[\"other\"] was not in the plan that was confirmed");
    assert_eq!(test.calls_of("terraform_haproxy apply"), [""; 0]);
}

/// The second one has to go, and the first gets a new image: the second serves clients until the first is back.
#[test]
fn a_haproxy_that_leaves_stays_until_the_other_is_changed_and_healthy() {
    let (first, last) = (of("haproxy", REPLACED), of("haproxy2", &["delete"]));
    let herd = Herd::healthy();
    let plans = || [[first.clone(), last.clone()].concat(), first.clone(), last.clone()];
    let test = rolling(&herd.blueprint(), "127.0.0.2", plans());
    test.run(RUN).exits(0).err("haproxy goes first, so that clients always have a HAProxy");
    assert_eq!(test.calls_of("terraform_haproxy apply").len(), 2);
    // The one that stays finds no primary after its change.
    herd.view.lock().unwrap().health = 503;
    let test = rolling(&herd.blueprint(), "127.0.0.2", plans());
    test.run(RUN).exits(1).err("no other HAProxy responds as healthy, so haproxy2 was not changed");
    assert_eq!(test.calls_of("terraform_haproxy apply").len(), 1, "{:#?}", test.calls());
}
