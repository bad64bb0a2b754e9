//! Rules about which regions and zones AWS has.

use super::Finding;
use crate::blueprint::{regions, rules};
use crate::cluster::{Cluster, State};

pub fn findings(cluster: &Cluster) -> Vec<Finding> {
    of_cluster(cluster).into_iter().chain(of_state(cluster)).collect()
}

/// Reports an unknown region of the state's bucket, where it differs from the cluster's.
fn of_state(cluster: &Cluster) -> Option<Finding> {
    let State::S3 { bucket, region, .. } = &cluster.blueprint.state else { return None };
    if *region == cluster.region || regions::find(region).is_some() {
        return None;
    }
    let problem = format!("{region} is not on pgherd's list of AWS's regions, which is from {}", regions::AS_OF);
    let help = format!("run `aws s3api get-bucket-location --bucket {bucket}` to see where the bucket is");
    Some(Finding::new(&rules::REGION_UNKNOWN, "state.s3.region", problem, help))
}

fn of_cluster(cluster: &Cluster) -> Vec<Finding> {
    let region = cluster.region.as_str();
    let Some(known) = regions::find(region) else {
        let problem = format!("{region} is not on pgherd's list of AWS's regions, which is from {}", regions::AS_OF);
        return vec![Finding::new(&rules::REGION_UNKNOWN, "region", problem, help(region))];
    };
    let mut found = vec![];
    if !known.in_provider_5 {
        let problem = format!("{region} is newer than version 5.100 of Terraform's AWS provider, which refuses it");
        let help = "run `terraform init -upgrade` in the modules, so that their lock files name a version 6";
        found.push(Finding::new(&rules::REGION_NEEDS_PROVIDER, "region", problem, help));
    }
    let letters = regions::zones(region);
    let unknown = cluster.network.subnets.iter().map(|subnet| subnet.zone.as_str()).filter(|zone| {
        let letter = zone.strip_prefix(region).unwrap_or(zone);
        letters.is_some_and(|letters| !letters.contains(letter))
    });
    let unknown: Vec<&str> = unknown.collect();
    if !unknown.is_empty() {
        let problem = format!(
            "{} is not on pgherd's list of the zones of {region}, which is from {}",
            unknown.join(", "),
            regions::AS_OF
        );
        found.push(Finding::new(&rules::ZONE_UNKNOWN, "network.zones", problem, help(region)));
    }
    found
}

/// Returns how to ask AWS.
fn help(region: &str) -> String {
    format!(
        "run `aws ec2 describe-availability-zones --region {region}` to see what AWS has; `pgherd run` asks that first"
    )
}

#[cfg(test)]
mod tests {
    use crate::cluster::resolve;

    fn found(text: &str) -> Vec<(&'static str, String)> {
        // Ubuntu publishes its images in every partition.
        let text = format!("cluster \"herd\" {{\n{text}\nimage {{\n base = \"ubuntu-24.04\"\n}}\n}}\n");
        let blueprint = crate::blueprint::parse("", &text).unwrap_or_else(|problems| panic!("{text}{problems:#?}"));
        let found = super::findings(&resolve(&blueprint));
        found.into_iter().map(|finding| (finding.rule.code, finding.problem)).collect()
    }

    #[test]
    fn every_known_region_has_its_default_zones() {
        for region in crate::blueprint::regions::ALL.iter().filter(|region| region.name != "us-west-1") {
            let codes: Vec<_> =
                found(&format!("region = \"{}\"", region.name)).into_iter().map(|(code, _)| code).collect();
            let expected: &[&str] = if region.in_provider_5 { &[] } else { &["PGH342"] };
            assert_eq!(codes, expected, "{region:?}");
        }
    }

    #[test]
    fn the_states_region_is_looked_at_too() {
        let state = |region: &str| {
            found(&format!(
                "region = \"eu-west-1\"\nstate {{\n s3 {{\n bucket = \"abc\"\n region = \"{region}\"\n }}\n}}"
            ))
        };
        let [("PGH340", problem)] = &state("us-west-9")[..] else { panic!("{:?}", state("us-west-9")) };
        assert!(problem.starts_with("us-west-9 is not on"), "{problem}");
        assert_eq!((state("us-west-2"), state("eu-west-1")), (vec![], vec![]));
    }

    #[test]
    fn what_is_not_on_the_list_is_said() {
        let [(code, problem)] = &found("region = \"eu-west-9\"")[..] else { panic!() };
        assert!((*code, problem.contains("eu-west-9 is not on")) == ("PGH340", true), "{problem}");
        for (region, zone) in [("eu-west-1", "d"), ("cn-north-1", "c"), ("ca-central-1", "c"), ("us-west-1", "d")] {
            let found = found(&format!("region = \"{region}\"\nnetwork {{\n zones = [\"a\", \"b\", \"{zone}\"]\n}}"));
            let [("PGH341", problem)] = &found[..] else { panic!("{found:?}") };
            assert!(problem.starts_with(&format!("{region}{zone} is not")), "{problem}");
        }
        assert_eq!(found("region = \"us-east-1\"\nnetwork {\n zones = [\"d\", \"e\", \"f\"]\n}"), []);
    }
}
