//! `image { … }`

use super::{BlockReader, Reading, Refusal, aws, nearest, refuse};
use crate::blueprint::model::{Base, Image};
use crate::blueprint::partition::Partition;
use crate::blueprint::rules::language as is;

/// What images start from, and the builder's instance type with its place.
pub fn read(r: &BlockReader, region: &Reading<String>, default: Image) -> (Image, Reading<Option<String>>) {
    let builder = r.optional("builder_instance_type", |text| {
        let instance_type = aws::instance_type(text)?;
        aws::no_such_size(&instance_type).map_or(Ok(instance_type), Err)
    });
    let base = r.choice("base", default.base, &Base::ALL.map(Base::name), base);
    check_partition(r, region, &base);
    let base = base.value;
    let builder_subnet_id = r.optional("builder_subnet_id", |text| aws::id(text, "subnet")).value;
    let max_age_days = r.integer("max_age_days", default.max_age_days, 1..=3650, "days").value;
    (Image { base, builder_instance_type: builder.value.clone(), builder_subnet_id, max_age_days }, builder)
}

/// Somebody must publish the base's images where the cluster lives.
fn check_partition(r: &BlockReader, region: &Reading<String>, base: &Reading<Base>) {
    if region.is_refused() || base.is_refused() || !region.is_set() {
        return;
    }
    let Some(partition) = Partition::of(&region.value) else {
        let problem = format!("{} is in a partition whose names and images pgherd does not know", region.value);
        let help = "name a region of the commercial partition, of China or of GovCloud (US)";
        return r.source.report(&is::PARTITION, &region.at, problem, help);
    };
    if base.value.owner(partition).is_none() {
        let there: Vec<&str> =
            Base::ALL.into_iter().filter(|base| base.owner(partition).is_some()).map(Base::name).collect();
        let problem = format!("nobody publishes images of {} in {}", base.value.name(), partition.name());
        let at = if base.is_set() { &base.at } else { &region.at };
        let help = format!("write image {{ base = \"{}\" }}", there.join("\" or \""));
        r.source.report(&is::PARTITION, at, problem, help);
    }
}

fn base(text: &str) -> Result<Base, Refusal> {
    if ["ubuntu-22.04", "jammy"].contains(&text) {
        return refuse(
            &is::OLD_ETCD,
            format!("`{text}` has etcd 3.3 alone, which lets a member that comes back depose the leader (no pre-vote)"),
            "write \"ubuntu-24.04\", or leave it out for \"debian-13\"",
        );
    }
    if let Some(base) = Base::ALL.into_iter().find(|base| base.name() == text) {
        return Ok(base);
    }
    let codename = match text {
        "trixie" => Some(Base::Debian13),
        "bookworm" => Some(Base::Debian12),
        "noble" => Some(Base::Ubuntu2404),
        _ => None,
    };
    let all = Base::ALL.map(Base::name);
    let help = match codename.map(Base::name).or_else(|| nearest(text, all.into_iter())) {
        Some(meant) => format!("did you mean \"{meant}\"? There are {}", all.join(", ")),
        None => format!("write one of {}", all.join(", ")),
    };
    refuse(&is::BASE, format!("`{text}` is no base that pgherd knows"), help)
}
