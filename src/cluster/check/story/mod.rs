//! What `pgherd explain` prints about a rule: what happens, why it matters, what to do, and where to read more.

mod aws;
mod failover;
mod settings;
mod sizes;

use crate::blueprint::rules::language;

/// Returns the text about the rule with this code. It is empty for an unknown code.
pub fn story(code: &str) -> &'static str {
    let of_language = language::ALL.iter().map(|(rule, story)| (rule.code, *story));
    stories().chain(of_language).find(|(known, _)| *known == code).map_or("", |(_, story)| story)
}

fn stories() -> impl Iterator<Item = (&'static str, &'static str)> {
    [failover::STORIES, sizes::STORIES, settings::STORIES, aws::STORIES].into_iter().flatten().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blueprint::rules;

    #[test]
    fn every_rule_has_one_story_and_no_story_is_left_over() {
        let mut told: Vec<&str> = stories().map(|(code, _)| code).collect();
        told.sort_unstable();
        let codes: Vec<&str> = rules::ALL.iter().map(|rule| rule.code).collect();
        assert_eq!(told, codes);
    }
}
