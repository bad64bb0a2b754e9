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
        "{} cannot connect to any database; a database admits only its owner and the users whose blocks list it",
        names.join(", ")
    );
    let help = format!(
        "write user \"{first}\" {{ databases = [\"…\"] }} instead of its name in `users`, or make it the owner of a database"
    );
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
                "{library} sorts by {}. A newer base has a newer {library}: if it sorts differently, indexes on text miss rows and \
                 accept duplicates",
                locale.name
            );
            let help = "remove it, and use COLLATE in queries whose results people read; or accept the rule, and run REINDEX after each new base";
            Finding::new(&rules::LOCALE_OF_A_LIBRARY, &attribute, problem, help)
        })
        .collect()
}
