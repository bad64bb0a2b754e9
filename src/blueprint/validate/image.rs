//! Reads the `image { … }` block.

use serde::Serialize;

use super::{BlockReader, Reading, Refusal, aws, doc, is, nearest};
use crate::blueprint::base::Base;
use crate::blueprint::form::Choice;
use crate::blueprint::partition::Partition;

/// The `image { … }` block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Image {
    /// The distribution the images start from.
    pub base: Base,
    /// Instance type that Packer builds on; `None` takes one that fits the role's architecture.
    pub builder_instance_type: Option<String>,
    /// Subnet that Packer builds in; `None` is one of the default VPC.
    pub builder_subnet_id: Option<String>,
    /// Days after which an image is reported as old.
    pub max_age_days: u32,
}

/// Reads the block. Returns with it the builder's instance type and its place.
pub(super) fn read(r: &BlockReader, region: &Reading<String>) -> (Image, Reading<Option<String>>) {
    let base = doc(
        "base",
        "The distribution of every machine. `debian-13` has all packages of its own; the others take Patroni from the \
         PostgreSQL project's apt repository (PGDG).",
    );
    let base = r.choice(base, Base::Debian13, unknown_base);
    check_partition(r, region, &base);
    let builder = doc("builder_instance_type", "The EC2 instance type that Packer builds images on.")
        .by_default("`t3.medium` (`t4g.medium` for Graviton)");
    let builder = r.optional(builder, |text| {
        let instance_type = aws::instance_type(text)?;
        aws::no_such_size(&instance_type).map_or(Ok(instance_type), Err)
    });
    let builder_subnet_id = doc(
        "builder_subnet_id",
        "The subnet that Packer builds in. It needs a route to the internet, and Packer must reach it over SSH: by a public \
         address if the subnet assigns one, else by the private one. Set it if the account has no default VPC.",
    )
    .by_default("one of the default VPC");
    let max_age_days = doc(
        "max_age_days",
        "`run` and `images` report images that are older. Security fixes reach the machines only with a new image.",
    );
    let image = Image {
        base: base.value,
        builder_instance_type: builder.value.clone(),
        builder_subnet_id: r.optional(builder_subnet_id, |text| aws::id(text, "subnet")).value,
        // A month is the pace at which distributions publish new base images.
        max_age_days: r.integer(max_age_days, 30, 1..=3650, "days").value,
    };
    (image, builder)
}

/// Checks that the base's images are published in the cluster's partition.
fn check_partition(r: &BlockReader, region: &Reading<String>, base: &Reading<Base>) {
    if region.is_refused() || base.is_refused() || !region.is_set() {
        return;
    }
    let Some(partition) = Partition::of(&region.value) else {
        let problem = format!("{} is in a partition that pgherd does not support", region.value);
        let help = "use a region of the commercial partition, of China or of GovCloud (US)";
        return r.source.report(&is::PARTITION, &region.at, problem, help);
    };
    if base.value.owner(partition).is_none() {
        let there: Vec<&str> =
            Base::ALL.into_iter().filter(|base| base.owner(partition).is_some()).map(Base::name).collect();
        let problem = format!("there are no images of {} in {}", base.value.name(), partition.name());
        let at = if base.is_set() { &base.at } else { &region.at };
        let help = format!("write image {{ base = \"{}\" }}", there.join("\" or \""));
        r.source.report(&is::PARTITION, at, problem, help);
    }
}

fn unknown_base(text: &str) -> Refusal {
    if ["ubuntu-22.04", "jammy"].contains(&text) {
        return Refusal {
            rule: &is::OLD_ETCD,
            problem: format!(
                "`{text}` has only etcd 3.3, in which a member that rejoins can depose the leader (it has no pre-vote)"
            ),
            help: "write \"ubuntu-24.04\", or remove the line to use \"debian-13\"".into(),
        };
    }
    let codename = match text {
        "trixie" => Some(Base::Debian13),
        "bookworm" => Some(Base::Debian12),
        "noble" => Some(Base::Ubuntu2404),
        _ => None,
    };
    let all = Base::words();
    let help = match codename.map(Base::name).or_else(|| nearest(text, all.iter().copied())) {
        Some(meant) => format!("did you mean \"{meant}\"? pgherd knows {}", all.join(", ")),
        None => format!("write one of {}", all.join(", ")),
    };
    Refusal { rule: &is::BASE, problem: format!("pgherd does not know the base `{text}`"), help }
}
