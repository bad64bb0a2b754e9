//! A region that cannot be reached: whether it exists, and whether the account has enabled it.

use super::{Answer, Lack};
use crate::cluster::regions;
use crate::tools::aws::args;

/// Returns the question about a region, asked in one that is always enabled; `None` for a region that every account has.
pub fn question(region: &str) -> Option<Vec<String>> {
    if regions::find(region).is_some_and(|known| !known.opt_in) {
        return None;
    }
    let words = ["ec2", "describe-regions", "--all-regions", "--filters", &format!("Name=region-name,Values={region}")];
    Some(args(regions::home(region), &words))
}

/// Returns what is wrong with the region, if anything is.
pub fn judge(region: &str, answer: &Answer) -> Option<Lack> {
    let Answer::Json(answer) = answer else { return None };
    match answer.get("Regions")?.as_array()?.first() {
        None => Some(Lack {
            what: format!("there is no AWS region {region}"),
            help: format!("`aws ec2 describe-regions --all-regions --region {}` lists them", regions::home(region)),
        }),
        Some(found) if found["OptInStatus"] == "not-opted-in" => Some(Lack {
            what: format!("this account has not enabled the region {region}"),
            help: format!("`aws account enable-region --region-name {region}` enables it; that takes minutes to hours"),
        }),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_region_is_asked_about_where_it_may_not_be() {
        assert_eq!(question("eu-west-1"), None);
        let asked = |region: &str| question(region).unwrap_or_default().join(" ");
        assert!(
            asked("eu-west-9").ends_with("Values=eu-west-9 --region us-east-1 --output json"),
            "{}",
            asked("eu-west-9")
        );
        assert!(asked("cn-east-1").contains("--region cn-north-1"), "a partition has its own");
        assert!(asked("af-south-1").contains("describe-regions"), "it must be enabled first");
    }

    #[test]
    fn what_aws_says_of_it_counts() {
        let said = |regions| judge("eu-west-9", &Answer::Json(json!({ "Regions": regions }))).map(|lack| lack.what);
        assert_eq!(said(json!([])).as_deref(), Some("there is no AWS region eu-west-9"));
        let status = |status: &str| json!([{ "RegionName": "eu-west-9", "OptInStatus": status }]);
        assert_eq!(said(status("not-opted-in")).as_deref(), Some("this account has not enabled the region eu-west-9"));
        assert_eq!((said(status("opted-in")), judge("x", &Answer::Forbidden)), (None, None));
    }
}
