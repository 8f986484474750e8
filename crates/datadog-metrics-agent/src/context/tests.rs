//! Tests of contexts: which messages share one, and what is bounded.

use proptest::prelude::*;

use super::*;

fn identity<'a>(name: &'a str, tags: &'a str) -> Identity<'a> {
    Identity {
        name,
        host: "h",
        tags: Tags(tags),
        source: Source::DOGSTATSD,
    }
}

fn message<'a>(name: &'a str, tags: &'a str, origin: &'a str) -> Message<'a> {
    Message {
        class: Class::Counter,
        name: name.as_bytes(),
        tags: tags.as_bytes(),
        origin: origin.as_bytes(),
    }
}

fn remember(contexts: &mut Contexts<u32>, message: &Message<'_>, found: Found) {
    let message = contexts.fingerprint(message);
    contexts.remember(message, found);
}

fn known(contexts: &mut Contexts<u32>, message: &Message<'_>) -> Option<Found> {
    let message = contexts.fingerprint(message);
    contexts.known(message)
}

fn insert(contexts: &mut Contexts<u32>, name: &str) -> Result<ContextId, Full> {
    contexts.get_or_insert(Class::Counter, &identity(name, ""), || 0)
}

#[test]
fn every_part_of_an_identity_tells_contexts_apart() {
    let mut contexts = Contexts::new(100, 1_000);
    let base = identity("ab", "t");
    let variants = [
        (Class::Counter, base),
        (Class::Gauge, base),
        (
            Class::Counter,
            Identity {
                name: "a",
                host: "bh",
                ..base
            },
        ),
        (Class::Counter, Identity { host: "", ..base }),
        (
            Class::Counter,
            Identity {
                host: "ht",
                tags: Tags(""),
                ..base
            },
        ),
        (
            Class::Counter,
            Identity {
                tags: Tags("t\nu"),
                ..base
            },
        ),
        (
            Class::Counter,
            Identity {
                source: Source::default(),
                ..base
            },
        ),
    ];
    for (class, identity) in variants {
        contexts.get_or_insert(class, &identity, || 0).unwrap();
    }
    assert_eq!(contexts.len(), variants.len());
    for (class, identity) in variants {
        contexts.get_or_insert(class, &identity, || 0).unwrap();
    }
    assert_eq!(contexts.len(), variants.len());
    let mut seen = Vec::new();
    contexts.retain(|context, _| {
        let Identity {
            name,
            host,
            tags,
            source,
        } = context.identity();
        seen.push(format!(
            "{name} {host} {tags:?} {source:?} {:?}",
            context.class
        ));
        true
    });
    let expect: Vec<_> = variants
        .iter()
        .map(|(class, it)| {
            format!(
                "{} {} {:?} {:?} {class:?}",
                it.name, it.host, it.tags, it.source
            )
        })
        .collect();
    assert_eq!(seen, expect);
}

#[test]
fn a_context_beyond_the_limit_is_refused_and_the_others_stay() {
    let mut contexts = Contexts::new(2, 1_000);
    let first = insert(&mut contexts, "a").unwrap();
    insert(&mut contexts, "b").unwrap();
    assert_eq!(insert(&mut contexts, "c"), Err(Full));
    assert_eq!(insert(&mut contexts, "a"), Ok(first));
    assert_eq!(contexts.len(), 2);
}

#[test]
fn a_message_leads_to_its_context_until_that_is_gone() {
    let mut contexts = Contexts::new(10, 1_000);
    let id = insert(&mut contexts, "a").unwrap();
    let other = insert(&mut contexts, "b").unwrap();
    remember(&mut contexts, &message("a", "t", ""), Found::Context(id));
    remember(&mut contexts, &message("b", "t", ""), Found::Context(other));
    remember(&mut contexts, &message("x", "t", ""), Found::Filtered);
    assert_eq!(
        known(&mut contexts, &message("a", "t", "")),
        Some(Found::Context(id))
    );
    assert_eq!(
        known(&mut contexts, &message("x", "t", "")),
        Some(Found::Filtered)
    );
    for stranger in [
        message("a", "", "t"),
        message("at", "", ""),
        message("a", "t", "o"),
        Message {
            class: Class::Gauge,
            ..message("a", "t", "")
        },
    ] {
        assert_eq!(known(&mut contexts, &stranger), None, "{stranger:?}");
    }
    contexts.retain(|context, _| context.identity().name != "a");
    assert_eq!(known(&mut contexts, &message("a", "t", "")), None);
    assert!(contexts.get_mut(id).is_none());
    assert_eq!(
        known(&mut contexts, &message("b", "t", "")),
        Some(Found::Context(other))
    );
    // The place is used again, and what led to the old one does not lead to the new one.
    let new = insert(&mut contexts, "c").unwrap();
    assert_ne!(new, id);
    assert!(contexts.get_mut(id).is_none());
    assert!(contexts.get_mut(new).is_some());
}

#[test]
fn no_more_messages_are_remembered_than_may_be() {
    let mut contexts = Contexts::new(10, 2);
    let id = insert(&mut contexts, "a").unwrap();
    for name in ["a1", "a2", "a3"] {
        remember(&mut contexts, &message(name, "", ""), Found::Context(id));
    }
    assert!(known(&mut contexts, &message("a2", "", "")).is_some());
    assert_eq!(known(&mut contexts, &message("a3", "", "")), None);
    contexts.retain(|_, _| false);
    assert_eq!((contexts.len(), contexts.memo.len()), (0, 0));
    let id = insert(&mut contexts, "a").unwrap();
    remember(&mut contexts, &message("a3", "", ""), Found::Context(id));
    assert!(known(&mut contexts, &message("a3", "", "")).is_some());
}

#[test]
fn a_message_is_forgotten_that_does_not_come_any_more() {
    let mut contexts = Contexts::new(10, 3);
    let id = insert(&mut contexts, "a").unwrap();
    remember(&mut contexts, &message("a", "", ""), Found::Context(id));
    remember(&mut contexts, &message("x", "", ""), Found::Filtered);
    contexts.age();
    assert!(known(&mut contexts, &message("a", "", "")).is_some());
    contexts.age();
    assert_eq!(known(&mut contexts, &message("x", "", "")), None);
    assert!(known(&mut contexts, &message("a", "", "")).is_some());
    assert_eq!(contexts.memo.len(), 1);
}

#[test]
fn memory_of_contexts_is_given_back_when_most_of_them_are_gone() {
    let mut contexts = Contexts::new(100_000, 200_000);
    let stays = insert(&mut contexts, "stays").unwrap();
    let before = contexts.bytes();
    for number in 0..50_000 {
        let name = number.to_string();
        let id = insert(&mut contexts, &name).unwrap();
        remember(&mut contexts, &message(&name, "", ""), Found::Context(id));
    }
    remember(
        &mut contexts,
        &message("stays", "", ""),
        Found::Context(stays),
    );
    assert!(contexts.bytes() > 5_000_000);
    contexts.retain(|context, _| context.identity().name == "stays");
    contexts.age();
    // Room for a thousand is kept.
    assert!(
        contexts.bytes() < before + 300_000,
        "{} before, {} now",
        before,
        contexts.bytes()
    );
    assert_eq!(
        known(&mut contexts, &message("stays", "", "")),
        Some(Found::Context(stays))
    );
    // Those that are made now lie before those that stay.
    let new = insert(&mut contexts, "new").unwrap();
    assert!(contexts.get_mut(new).is_some() && contexts.get_mut(stays).is_some());
}

proptest! {
    #[test]
    fn contexts_are_as_many_as_there_are_names_whatever_comes_and_goes(
        steps in prop::collection::vec((0_u32..20, any::<bool>()), 1..200),
    ) {
        let mut contexts = Contexts::new(1_000, 10_000);
        let mut names = std::collections::BTreeSet::new();
        for (number, stays) in steps {
            let name = number.to_string();
            if stays {
                insert(&mut contexts, &name).unwrap();
                names.insert(name);
            } else {
                names.remove(&name);
                contexts.retain(|context, _| context.identity().name != name);
            }
            prop_assert_eq!(contexts.len(), names.len());
        }
        let mut found = std::collections::BTreeSet::new();
        contexts.retain(|context, _| found.insert(context.identity().name.to_owned()));
        prop_assert_eq!(found, names);
    }
}
