//! Tests of what becomes of names, hosts and tags.

use super::*;
use crate::parse::{Message, Options, messages};
use crate::rules::mapper::Pattern;

/// Name, host and tags of a line, or that it was filtered.
fn ruled(config: &Config, sender: Option<&str>, line: &str) -> String {
    let rules = Rules::compile(config).unwrap();
    let mut scratch = Scratch::default();
    let options = Options {
        timestamps: true,
        client_origin: true,
    };
    let message = messages(line.as_bytes(), &options).next().unwrap().unwrap();
    let Message::Metric(metric) = message else {
        panic!("no metric");
    };
    let verdict = rules.metric(
        metric.name,
        metric.tags,
        metric.origin,
        sender,
        &mut scratch,
    );
    if verdict == Verdict::Filtered {
        return "filtered".to_owned();
    }
    let Identity {
        name, host, tags, ..
    } = scratch.identity();
    let tags: Vec<_> = tags.iter().collect();
    format!("{name} {host} {}", tags.join(","))
}

#[track_caller]
fn check(config: &Config, line: &str, expect: &str) {
    assert_eq!(ruled(config, None, line), expect, "{line}");
}

fn host() -> Config {
    Config {
        hostname: "box".to_owned(),
        ..Config::default()
    }
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn tags_become_a_set() {
    check(&host(), "a:1|c|#b,a,a", "a box a,b");
    check(&host(), "a:1|c|#a,b", "a box a,b");
    check(&host(), "a:1|c", "a box ");
}

#[test]
fn some_tags_are_instructions() {
    check(&host(), "a:1|c|#host:x,b,host:y", "a y b");
    check(&host(), "a:1|c|#host:", "a  ");
    check(
        &host(),
        "a:1|c|#dd.internal.entity_id:u,dd.internal.card:low,dd.internal.jmx_check_name:j,dd.internal.x:y",
        "a box dd.internal.x:y",
    );
    let serverless = Config {
        platform: Platform::Serverless,
        ..host()
    };
    check(&serverless, "a:1|c|#host:x", "a  ");
}

#[test]
fn an_empty_service_environment_or_version_is_none() {
    let config = Config {
        tags: strings(&["env:prod"]),
        ..host()
    };
    check(
        &config,
        "a:1|c|#env:,version:,other:",
        "a box env:prod,other:",
    );
}

#[test]
fn tags_of_the_message_win_over_unified_ones() {
    let config = Config {
        tags: strings(&["env:prod", "service:shop", "team:x", "team:y"]),
        ..host()
    };
    check(
        &config,
        "a:1|c|#env:dev,team:z",
        "a box env:dev,service:shop,team:x,team:y,team:z",
    );
    check(
        &config,
        "a:1|c|#environment:dev,env",
        "a box env,env:prod,environment:dev,service:shop,team:x,team:y",
    );
}

#[test]
fn tags_can_be_kept_from_metrics_of_users() {
    let config = Config {
        tags: strings(&["region:r", "team:x"]),
        excluded_tags: strings(&["region"]),
        ..host()
    };
    check(&config, "a:1|c", "a box team:x");
    check(
        &config,
        "aws.lambda.enhanced.errors:1|c",
        "aws.lambda.enhanced.errors box region:r,team:x",
    );
}

#[test]
fn the_namespace_goes_before_all_names_but_the_excepted() {
    let config = Config {
        namespace: "shop".to_owned(),
        namespace_exceptions: strings(&["jvm"]),
        blocklist: strings(&["shop.secret", "other"]),
        ..host()
    };
    check(&config, "a:1|c", "shop.a box ");
    check(&config, "jvm.heap:1|c", "jvm.heap box ");
    check(&config, "secret:1|c", "filtered");
    check(&config, "secret2:1|c", "shop.secret2 box ");
    check(&config, "other:1|c", "shop.other box ");
    let prefixes = Config {
        blocklist_matches_prefix: true,
        namespace: "shop.".to_owned(),
        ..config
    };
    check(&prefixes, "secret2:1|c", "filtered");
    check(&prefixes, "a:1|c", "shop.a box ");
}

#[test]
fn more_tags_than_the_intake_keeps_are_left_out_and_counted() {
    let tags: Vec<_> = (0..103).map(|index| format!("t{index:03}")).collect();
    let line = format!("a:1|c|#{},t000", tags.join(","));
    let rules = Rules::compile(&host()).unwrap();
    let mut scratch = Scratch::default();
    let Some(Ok(Message::Metric(metric))) = messages(line.as_bytes(), &Options::default()).next()
    else {
        panic!("no metric");
    };
    let verdict = rules.metric("a", metric.tags, metric.origin, None, &mut scratch);
    assert_eq!(verdict, Verdict::Kept { tags_dropped: 3 });
    assert_eq!(scratch.identity().tags.iter().count(), 100);
    assert_eq!(scratch.identity().tags.iter().last(), Some("t099"));
}

#[test]
fn the_mapper_makes_tags_of_parts_of_names() {
    let mapping = |pattern, name: &str, tags: &[(&str, &str)]| Mapping {
        pattern,
        name: name.to_owned(),
        tags: tags
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    };
    let wildcard = |text: &str| Pattern::Wildcard(text.to_owned());
    let config = Config {
        mapper: vec![Profile {
            name: "jobs".to_owned(),
            prefix: "job.".to_owned(),
            mappings: vec![
                mapping(
                    wildcard("job.duration.*.*"),
                    "job.duration",
                    &[("type", "$1"), ("name", "x_$2_y")],
                ),
                mapping(
                    Pattern::Regex(r"job\.(size|count)\.(.*)".to_owned()),
                    "job.$1_total",
                    &[("rest", "$2")],
                ),
            ],
        }],
        namespace: "ns".to_owned(),
        ..host()
    };
    check(
        &config,
        "job.duration.a.b:1|c|#z",
        "ns.job.duration box name:x_b_y,type:a,z",
    );
    check(&config, "job.duration.a:1|c", "ns.job.duration.a box ");
    check(
        &config,
        "job.size.a.b:1|c",
        "ns.job.size_total box rest:a.b",
    );
    check(&config, "my.job.size.a:1|c", "ns.my.job.size.a box ");
}

#[test]
fn a_pattern_that_cannot_be_used_is_named() {
    let config = |pattern| Config {
        mapper: vec![Profile {
            name: "p".to_owned(),
            prefix: "*".to_owned(),
            mappings: vec![Mapping {
                pattern,
                name: "n".to_owned(),
                tags: Vec::new(),
            }],
        }],
        ..host()
    };
    for pattern in [
        Pattern::Wildcard("a.**".to_owned()),
        Pattern::Wildcard("a b".to_owned()),
        Pattern::Wildcard(String::new()),
        Pattern::Regex("(".to_owned()),
        Pattern::Regex("x".repeat(5_000)),
    ] {
        let error = Rules::compile(&config(pattern.clone())).unwrap_err();
        assert_eq!(error.profile, "p", "{pattern:?}");
    }
}

#[test]
fn a_container_is_a_tag_of_high_cardinality() {
    let high = Config {
        origin: OriginOptions {
            cardinality: parse::Cardinality::High,
            ..OriginOptions::default()
        },
        ..host()
    };
    let with = |config: &Config, line: &str| ruled(config, Some("sent"), line);
    assert_eq!(with(&high, "a:1|c"), "a box container_id:sent");
    assert_eq!(with(&high, "a:1|c|c:ci-own"), "a box container_id:own");
    assert_eq!(with(&high, "a:1|c|card:low"), "a box ");
    assert_eq!(with(&high, "a:1|c|#dd.internal.entity_id:none"), "a box ");
    assert_eq!(with(&host(), "a:1|c"), "a box ");
    assert_eq!(with(&host(), "a:1|c|card:high"), "a box container_id:sent");
    assert_eq!(
        with(&host(), "a:1|c|#dd.internal.card:high"),
        "a box container_id:sent"
    );
    // The field wins over the tag.
    assert_eq!(
        with(&host(), "a:1|c|#dd.internal.card:high|card:none"),
        "a box "
    );
}

#[test]
fn a_serverless_source_is_told_by_name_and_tags() {
    let check = |line: &str, numbers: (u32, u32, u32)| {
        let config = Config {
            platform: Platform::Serverless,
            ..host()
        };
        let rules = Rules::compile(&config).unwrap();
        let mut scratch = Scratch::default();
        let Some(Ok(Message::Metric(metric))) =
            messages(line.as_bytes(), &Options::default()).next()
        else {
            panic!("no metric");
        };
        rules.metric(metric.name, metric.tags, metric.origin, None, &mut scratch);
        let source = scratch.identity().source;
        assert_eq!(
            (source.product, source.category, source.service),
            numbers,
            "{line}"
        );
    };
    check("datadog.x:1|c|#function_arn:a", (0, 0, 0));
    check("my.x:1|c|#function_arn:a", (1, 38, 472));
    check("jvm.x:1|c|#function_arn:a", (1, 38, 474));
    check("aws.lambda.enhanced.x:1|c|#function_arn:a", (1, 38, 473));
    check("a:1|c|#origin:azurefunction", (1, 71, 472));
    check("a:1|c|#origin:cloudrun", (1, 36, 472));
    check("a:1|c|#origin:containerapp", (1, 37, 472));
    check("a:1|c|#origin:appservice", (1, 35, 472));
    check("a:1|c|#origin:lambda", (10, 10, 0));
}
