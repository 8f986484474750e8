//! What must hold of any datagram: run by the fuzz target on bytes it makes up, and by tests.
//!
//! Panics on a finding, which is how a fuzzer learns of it. Not part of the library: built for tests and
//! under `cfg(fuzzing)` only.

use super::{Message, Metric, Options, Tags, messages};

/// Reads a datagram with and without each option, and looks at what comes out.
pub fn datagram(datagram: &[u8]) {
    for bits in 0..4 {
        let options = Options {
            timestamps: bits & 1 != 0,
            client_origin: bits & 2 != 0,
        };
        with(datagram, &options);
    }
}

/// Each line that is not empty is a message or an error, in its place, and no line knows of another.
fn with(datagram: &[u8], options: &Options) {
    let mut start = 0;
    let mut all = messages(datagram, options);
    for line in datagram.split(|&byte| byte == b'\n') {
        let end = start + line.len();
        if !line.is_empty() && line != b"\r" {
            let mut alone = messages(line, options);
            let (read, read_alone) = (all.next(), alone.next());
            match (read, read_alone) {
                (Some(Ok(read)), Some(Ok(alone))) => {
                    assert_eq!(format!("{read:?}"), format!("{alone:?}"));
                    message(line, &read, options);
                }
                (Some(Err(read)), Some(Err(mut alone))) => {
                    assert!((start..=end).contains(&read.position), "{read:?}");
                    alone.position += start;
                    assert_eq!(read, alone);
                }
                pair => panic!("{pair:?}"),
            }
            assert_eq!(alone.next(), None);
        }
        start = end + 1;
    }
    assert_eq!(all.next(), None);
}

fn message(line: &[u8], message: &Message<'_>, options: &Options) {
    let (tags, origin, timestamp) = match message {
        Message::Metric(metric) => {
            numbers(line, metric);
            assert_ne!(metric.timestamp, Some(0));
            assert!(options.timestamps || metric.timestamp.is_none());
            (metric.tags, metric.origin, metric.timestamp)
        }
        Message::Event(event) => {
            assert!(line.starts_with(b"_e{"));
            assert!(!event.title.as_bytes().is_empty());
            let text = event.text.to_str();
            assert!(!text.contains("\\n"), "{text}");
            (event.tags, event.origin, event.timestamp)
        }
        Message::ServiceCheck(check) => {
            assert!(line.starts_with(b"_sc|"));
            assert!(check.status.number() < 4);
            (check.tags, check.origin, check.timestamp)
        }
    };
    assert_ne!(timestamp, Some(0));
    assert!(options.client_origin || origin == Default::default());
    if let Some(local) = origin.local {
        assert!(local.container_id() != Some(""));
        local.inode();
    }
    look_at_tags(tags);
}

fn numbers(line: &[u8], metric: &Metric<'_>) {
    assert!(!metric.name.is_empty() && !metric.name.contains([':', '|']));
    assert!(line.starts_with(metric.name.as_bytes()));
    if let Some(numbers) = metric.sample.numbers() {
        assert!(numbers.iter().all(f64::is_finite));
        let values = numbers.iter().count() + numbers.not_finite() as usize;
        assert!(0 < values && values < line.len());
    }
}

fn look_at_tags(tags: Tags<'_>) {
    for tag in tags.iter() {
        assert!(!tag.as_bytes().is_empty() && !tag.as_bytes().contains(&b','));
        let text = tag.to_str();
        assert!(!text.is_empty());
    }
}
