//! Rules about users, and about the order of text.

use super::Finding;
use crate::blueprint::rules;
use crate::cluster::{Cluster, Locale, Provider};

pub fn findings(cluster: &Cluster) -> Vec<Finding> {
    let mut found = users(cluster);
    found.extend(locales(cluster));
    found
}

/// Reports users that no database lets in.
fn users(cluster: &Cluster) -> Vec<Finding> {
    let databases = &cluster.postgres.databases;
    let alone = cluster
        .postgres
        .users
        .iter()
        .filter(|user| user.grant.is_none() && databases.iter().all(|database| database.owner != user.name));
    let names: Vec<String> = alone.map(|user| format!("`{}`", user.name)).collect();
    let Some(first) = names.first().map(|name| name.trim_matches('`')) else { return vec![] };
    let problem = format!(
        "{} may connect to no database; a database lets in its owner and the users whose blocks list it",
        names.join(", ")
    );
    let help =
        format!("replace its name in the list by user \"{first}\" {{ databases = [\"…\"] }}, or let it own a database");
    vec![Finding::new(&rules::USER_WITHOUT_DATABASE, "postgres.users", problem, help)]
}

/// Reports locales whose order an upgrade of a library may change.
fn locales(cluster: &Cluster) -> Vec<Finding> {
    let postgres = &cluster.postgres;
    let own = postgres.databases.iter().filter_map(|database| {
        Some((format!("postgres.database.{}.locale", database.name), database.locale.as_ref()?))
    });
    let mut all: Vec<(String, &Locale)> = vec![("postgres.locale".into(), &postgres.locale)];
    all.extend(own);
    (all.into_iter().filter(|(_, locale)| locale.follows_a_library()))
        .map(|(attribute, locale)| {
            let library = if locale.provider == Provider::Icu { "ICU" } else { "glibc" };
            let problem = format!(
                "{} is sorted by {library}; a newer base brings a newer version, and if that one sorts differently, indexes on text miss \
                 rows and let duplicates in",
                locale.name
            );
            let help = "remove it, and sort with COLLATE what people read; or accept the rule, and REINDEX after each new base";
            Finding::new(&rules::LOCALE_OF_A_LIBRARY, &attribute, problem, help)
        })
        .collect()
}
