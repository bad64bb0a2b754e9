//! What an update in place does to a machine. The provider changes some attributes of an instance only while it is stopped: it stops
//! the instance, changes it and starts it again
//! (<https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/ec2/ec2_instance.go>, `resourceInstanceUpdate`).

use serde_json::Value;

use super::format::marks;

/// Attributes of `aws_instance` that the provider changes by stopping the machine and starting it again, or that EC2 changes only of a
/// stopped one.
const STOPS: [&str; 12] = [
    "instance_type",
    "user_data",
    "user_data_base64",
    "capacity_reservation_specification",
    "private_dns_name_options",
    "cpu_options",
    "ebs_optimized",
    "enclave_options",
    "hibernation",
    "host_id",
    "placement_group",
    "tenancy",
];

/// Attributes of `aws_instance` that change while the machine runs, or that only the provider itself reads.
pub const HARMLESS: [&str; 33] = [
    // Changed by a call of their own, on the running machine.
    "credit_specification",
    "disable_api_stop",
    "disable_api_termination",
    "iam_instance_profile",
    "instance_initiated_shutdown_behavior",
    "maintenance_options",
    "metadata_options",
    "monitoring",
    // Size, type, operations and throughput, tags: EBS changes a volume in use.
    "root_block_device",
    "secondary_private_ips",
    "security_groups",
    "source_dest_check",
    "tags",
    "tags_all",
    "volume_tags",
    "vpc_security_group_ids",
    // Read by the provider alone.
    "force_destroy",
    "get_password_data",
    "timeouts",
    "user_data_replace_on_change",
    // Never set in a configuration: AWS reports them, and they are unknown while something else changes.
    "arn",
    "associate_public_ip_address",
    "id",
    "instance_lifecycle",
    "instance_state",
    "outpost_arn",
    "password_data",
    "primary_network_interface_id",
    "private_dns",
    "public_dns",
    "public_ip",
    "spot_instance_request_id",
    "region",
];

/// Attributes of a disk that change while it is in use, or that only the provider reads.
const HARMLESS_OF_DISK: [&str; 9] =
    ["arn", "create_time", "final_snapshot", "iops", "size", "tags", "tags_all", "throughput", "type"];
/// Attributes of an attachment that change in place: they only say how to detach it one day.
const HARMLESS_OF_ATTACHMENT: [&str; 3] = ["force_detach", "skip_destroy", "stop_instance_before_detaching"];

/// Returns whether changing this attribute certainly stops a machine.
pub fn stops(attribute: &str) -> bool {
    STOPS.contains(&attribute)
}

/// Returns the attributes whose change in place stops a machine, or may: all that are not known to be harmless. Empty for what is not a
/// machine, disk or attachment.
pub fn stopped_by(kind: &str, before: &Value, after: &Value, unknown: &Value) -> Vec<String> {
    let harmless: &[&str] = match kind {
        "aws_instance" => &HARMLESS,
        "aws_ebs_volume" => &HARMLESS_OF_DISK,
        "aws_volume_attachment" => &HARMLESS_OF_ATTACHMENT,
        // Its only attributes are the machine and the state that it is put into.
        "aws_ec2_instance_state" => &[],
        _ => return vec![],
    };
    let changed = changed(before, after, unknown).into_iter();
    changed.filter(|attribute| !harmless.contains(&attribute.as_str())).collect()
}

/// Returns the attributes that change, or may: those that become known only during the apply.
fn changed(before: &Value, after: &Value, unknown: &Value) -> Vec<String> {
    let of = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (before, after, unknown) = (of(before), of(after), of(unknown));
    let mut names: Vec<String> = before.keys().chain(after.keys()).chain(unknown.keys()).cloned().collect();
    names.sort();
    names.dedup();
    names.retain(|name| {
        let value = |of: &serde_json::Map<String, Value>| of.get(name).cloned().unwrap_or_default();
        value(&before) != value(&after) || marks(&value(&unknown))
    });
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_known_to_be_harmless_may_stop_a_machine() {
        let by = |kind: &str, before: Value, after: Value, unknown: Value| stopped_by(kind, &before, &after, &unknown);
        let machine = |before: Value, after: Value| by("aws_instance", before, after, json!({}));
        assert_eq!(
            machine(json!({"instance_type": "a", "tags": {}}), json!({"instance_type": "b", "tags": {"x": "y"}})),
            ["instance_type"]
        );
        assert_eq!(machine(json!({"tags": {}}), json!({"tags": {"x": "y"}})), [""; 0]);
        assert_eq!(
            machine(json!({"root_block_device": [{"iops": 1}]}), json!({"root_block_device": [{"iops": 2}]})),
            [""; 0]
        );
        assert_eq!(machine(json!({"of_tomorrow": 1}), json!({})), ["of_tomorrow"]);
        let unknown = json!({"user_data": true, "public_ip": true, "root_block_device": [{}]});
        assert_eq!(by("aws_instance", json!({}), json!({}), unknown), ["user_data"]);
        assert_eq!(by("aws_ebs_volume", json!({"size": 1, "x": 1}), json!({"size": 2, "x": 2}), json!({})), ["x"]);
        assert_eq!(by("aws_eip", json!({"x": 1}), json!({"x": 2}), json!({})), [""; 0]);
    }
}
