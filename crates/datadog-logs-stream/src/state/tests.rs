//! Histories of one machine, step by step.

use datadog_logs_patterns::operation::{Body, Log, Operation, Operations};

use super::*;
use crate::failure::Code;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A machine and what it asked for.
struct Run {
    machine: Machine<char>,
    now: Duration,
}

/// Without jitter, so that times are exact.
fn settings() -> Settings {
    Settings {
        lifetime_jitter: 0.0,
        ..Settings::default()
    }
}

fn run_with(settings: Settings) -> Run {
    Run {
        machine: Machine::new(settings, Compression::Identity, true, 7),
        now: Duration::ZERO,
    }
}

fn run() -> Run {
    run_with(settings())
}

/// A batch: `+A` defines a pattern of that text, `-A` deletes it, `A` is a log of it.
fn batch(words: &[&str], receipt: char) -> Batch<char> {
    let mut operations = Operations::default();
    for word in words {
        let text = word.trim_start_matches(['+', '-']);
        let id = u64::from(text.as_bytes()[0]);
        let operation = match word.as_bytes()[0] {
            b'+' => Operation::DefinePattern {
                id,
                template: operations.keep_text(text.as_bytes()),
                positions: operations.keep_positions(&[]),
            },
            b'-' => Operation::DeletePattern { id },
            _ => {
                let values = operations.keep_values([]);
                Operation::Log(Log {
                    timestamp_ms: 0,
                    status: None,
                    service: None,
                    tags: None,
                    uuid: None,
                    json: None,
                    body: Body::Pattern { id, values },
                })
            }
        };
        operations.push(operation);
    }
    let mut writer = Writer::new(Profile::A, Compression::Identity, true);
    Batch {
        data: writer.write(&operations).unwrap(),
        operations,
        receipt: Some(receipt),
    }
}

impl Run {
    fn push(&mut self, words: &[&str], receipt: char) -> String {
        self.machine.push(batch(words, receipt), self.now);
        self.effects()
    }

    fn on(&mut self, stream: u64, event: Event) -> String {
        self.machine.on(StreamId(stream), event, self.now);
        self.effects()
    }

    fn ack(&mut self, stream: u64, batch_id: u32) -> String {
        self.on(
            stream,
            Event::Acknowledged {
                batch_id,
                status: 1,
            },
        )
    }

    fn fail(&mut self, stream: u64, failure: Failure) -> String {
        self.on(stream, Event::Ended(failure))
    }

    fn status(&mut self, stream: u64, code: Code) -> String {
        self.fail(stream, Failure::Status(code))
    }

    fn at(&mut self, now: Duration) -> String {
        self.now = now;
        self.machine.tick(now);
        self.effects()
    }

    /// Waits for the next timer, which must be a pause or the time of another try.
    fn wait(&mut self) -> String {
        let at = self.machine.wakes_at().unwrap();
        self.at(at)
    }

    fn state(&self) -> &'static str {
        self.machine.view(self.now).state
    }

    fn effects(&mut self) -> String {
        let mut words = Vec::new();
        while let Some(effect) = self.machine.next_effect() {
            words.push(match effect {
                Effect::Open { stream, profile } => format!("open {} {profile:?}", stream.0),
                Effect::Send {
                    stream,
                    batch_id,
                    data,
                } => format!("send {}/{batch_id} {}b", stream.0, data.len()),
                Effect::HalfClose { stream } => format!("half-close {}", stream.0),
                Effect::Cancel { stream } => format!("cancel {}", stream.0),
                Effect::Delivered { receipt } => format!("delivered {receipt}"),
                Effect::Dropped { receipt, logs, .. } => format!("dropped {receipt:?} {logs}"),
                Effect::Returned { receipts, to, .. } => {
                    format!("returned {} {to:?}", String::from_iter(receipts))
                }
                Effect::Shrink => "shrink".to_owned(),
            });
        }
        words.join(", ")
    }

    /// A stream that is open, with one batch acknowledged: it has proven that it works.
    fn proven(mut self) -> Self {
        self.machine.start(self.now);
        assert_eq!(self.effects(), "open 1 A");
        self.on(1, Event::Opened);
        self.push(&["+A", "A"], 'a');
        assert_eq!(self.ack(1, 1), "delivered a");
        self
    }
}

#[test]
fn what_is_not_acknowledged_is_sent_again_behind_the_snapshot_of_what_is() {
    let mut run = run();
    assert_eq!(run.push(&["+A", "A"], '1'), "open 1 A");
    assert_eq!(run.on(1, Event::Opened), "send 1/1 15b");
    assert_eq!(run.push(&["A"], '2'), "send 1/2 8b");
    assert_eq!(run.push(&["A"], '3'), "send 1/3 8b");
    assert_eq!(run.ack(1, 1), "delivered 1");
    assert_eq!(run.fail(1, Failure::Transport), "");
    assert_eq!(run.push(&["A"], '4'), "");
    assert_eq!(run.state(), "waiting");
    assert_eq!(run.wait(), "open 2 A");
    assert_eq!(
        run.on(2, Event::Opened),
        "send 2/0 9b, send 2/1 8b, send 2/2 8b, send 2/3 8b"
    );
    assert_eq!(run.ack(1, 2), "", "a late word of the old stream");
    assert_eq!(run.ack(2, 0), "");
    assert_eq!(run.ack(2, 1), "delivered 2");
    let stats = run.machine.stats();
    assert_eq!((stats.resent_batches, stats.resent_logs), (2, 2));
}

#[test]
fn an_acknowledgement_out_of_order_ends_the_stream() {
    let mut out_of_order = run().proven();
    out_of_order.push(&["A"], '2');
    out_of_order.push(&["A"], '3');
    assert_eq!(out_of_order.ack(1, 3), "cancel 1");
    assert_eq!(out_of_order.state(), "waiting");
    let mismatch = Failure::AckMismatch;
    assert_eq!(out_of_order.machine.stats().failures[&mismatch], 1);

    let mut unasked = run().proven();
    assert_eq!(unasked.ack(1, 2), "cancel 1");
    let unsent = Failure::AckWithoutSent;
    assert_eq!(unasked.machine.stats().failures[&unsent], 1);

    let mut snapshot = run().proven();
    assert_eq!(snapshot.ack(1, 0), "", "there was none");
    assert_eq!(snapshot.state(), "active");
}

#[test]
fn a_replay_with_a_deletion_is_byte_for_byte_what_was_sent_before() {
    let mut run = run();
    run.push(&["+A"], '1');
    run.on(1, Event::Opened);
    run.push(&["A"], '2');
    let before = run.push(&["-A", "+B"], '3');
    assert_eq!(before, "send 1/3 15b");
    run.ack(1, 1);
    run.fail(1, Failure::Transport);
    run.wait();
    assert_eq!(
        run.on(2, Event::Opened),
        "send 2/0 9b, send 2/1 8b, send 2/2 15b"
    );
    assert!(run.machine.snapshot().pattern(u64::from(b'A')).is_some());
    (0..3).for_each(|id| drop(run.ack(2, id)));
    let known = run.machine.snapshot();
    assert!(known.pattern(u64::from(b'A')).is_none());
    assert_eq!(known.pattern(u64::from(b'B')).unwrap().0, b"B");
}

#[test]
fn an_old_stream_drains_while_the_next_is_opened_and_nothing_is_sent_twice() {
    let mut run = run().proven();
    run.push(&["A"], '2');
    run.push(&["A"], '3');
    run.now = s(899);
    assert_eq!(run.ack(1, 2), "delivered 2");
    assert_eq!(run.push(&["A"], '4'), "send 1/4 8b");
    assert_eq!(run.at(s(900)), "open 2 A");
    assert_eq!(run.state(), "draining");
    assert_eq!(run.push(&["A"], '5'), "", "taken, and not sent");
    assert_eq!(run.on(2, Event::Opened), "", "never two in use");
    assert_eq!(run.ack(1, 3), "delivered 3");
    assert_eq!(
        run.ack(1, 4),
        "delivered 4, half-close 1, send 2/0 9b, send 2/1 8b"
    );
    assert_eq!(run.machine.stats().resent_logs, 0);
    assert_eq!(run.machine.stats().rotations[&Rotation::Lifetime], 1);
}

#[test]
fn what_is_not_acknowledged_while_draining_is_sent_again() {
    let mut run = run().proven();
    run.now = s(895);
    run.push(&["A"], '2');
    assert_eq!(run.at(s(900)), "open 2 A");
    run.on(2, Event::Opened);
    assert_eq!(run.machine.wakes_at(), Some(s(905)));
    assert_eq!(run.at(s(905)), "cancel 1, send 2/0 9b, send 2/1 8b");
    assert_eq!(run.machine.stats().resent_logs, 1);
}

#[test]
fn an_old_stream_that_owes_nothing_is_replaced_at_once() {
    let mut run = run().proven();
    assert_eq!(run.at(s(900)), "half-close 1, open 2 A");
    assert_eq!(run.on(2, Event::Opened), "send 2/0 9b");
}

#[test]
fn lifetimes_differ_by_a_tenth_at_most() {
    let lifetimes: Vec<_> = (0..200)
        .map(|seed| {
            let mut machine: Machine<char> =
                Machine::new(Settings::default(), Compression::Identity, true, seed);
            machine.start(Duration::ZERO);
            machine.on(StreamId(1), Event::Opened, Duration::ZERO);
            machine.wakes_at().unwrap().as_secs()
        })
        .collect();
    let (least, most) = (lifetimes.iter().min(), lifetimes.iter().max());
    assert!(least.is_some_and(|least| (810..820).contains(least)));
    assert!(most.is_some_and(|most| (890..=900).contains(most)));
}

#[test]
fn a_stream_that_does_not_open_or_move_fails_in_time() {
    let mut connecting = run();
    connecting.machine.start(Duration::ZERO);
    connecting.effects();
    assert_eq!(connecting.at(s(10)), "cancel 1");
    assert_eq!(connecting.state(), "waiting");

    let mut blocked = run().proven();
    blocked.push(&["A"], '2');
    assert_eq!(blocked.machine.wakes_at(), Some(s(10)));
    assert_eq!(blocked.at(s(10)), "cancel 1");
    assert_eq!(blocked.machine.stats().failures[&Failure::SendTimeout], 1);

    let mut silent = run().proven();
    silent.push(&["A"], '2');
    silent.on(1, Event::Written(2));
    silent.now = s(20);
    silent.push(&["A"], '3');
    silent.on(1, Event::Written(3));
    assert_eq!(silent.at(s(29)), "");
    assert_eq!(silent.at(s(30)), "cancel 1", "counted from the last word");
    assert_eq!(silent.machine.stats().failures[&Failure::AckTimeout], 1);
}

#[test]
fn no_more_is_handed_over_than_the_writer_may_hold() {
    let mut run = run();
    ('a'..='l').for_each(|receipt| drop(run.push(&["+A", "A"], receipt)));
    let sent = run.on(1, Event::Opened);
    assert_eq!(sent.matches("send").count(), 10);
    assert_eq!(run.on(1, Event::Written(1)), "send 1/11 15b");
}

#[test]
fn a_stream_that_only_tells_a_server_its_snapshot_keeps_the_pauses_growing() {
    let mut run = run().proven();
    run.fail(1, Failure::Transport);
    for stream in 2..5 {
        run.wait();
        run.on(stream, Event::Opened);
        run.ack(stream, 0);
        run.fail(stream, Failure::Transport);
        let failures = u32::try_from(stream).unwrap();
        assert_eq!(run.machine.view(run.now).failures, failures);
    }
    run.wait();
    run.on(5, Event::Opened);
    run.push(&["A"], '2');
    run.ack(5, 1);
    assert_eq!(run.machine.view(run.now).failures, 0);
}

#[test]
fn a_server_that_closes_a_stream_which_worked_is_taken_at_its_word() {
    let mut worked = run().proven();
    worked.push(&["A"], '2');
    assert_eq!(worked.fail(1, Failure::ServerEof), "open 2 A");
    assert_eq!(worked.machine.view(worked.now).failures, 0);

    let mut useless = run();
    useless.push(&["+A", "A"], '1');
    useless.on(1, Event::Opened);
    assert_eq!(useless.fail(1, Failure::ServerEof), "");
    assert_eq!(useless.machine.view(useless.now).failures, 1);
}

#[test]
fn a_refused_key_holds_everything_then_leaves_for_http() {
    let mut run = run();
    run.push(&["+A", "A"], '1');
    for stream in 1..5 {
        run.on(stream, Event::Opened);
        assert_eq!(run.status(stream, Code::Unauthenticated), "");
        let pause = run.machine.wakes_at().unwrap() - run.now;
        assert!(pause >= s(90) && pause <= s(120), "{pause:?}");
        run.wait();
    }
    run.on(5, Event::Opened);
    assert_eq!(run.status(5, Code::PermissionDenied), "returned 1 Http");
    assert!(run.machine.is_away() && !run.machine.has_space());
    assert_eq!(run.push(&["A"], '2'), "returned 2 Http");
    assert_eq!(run.wait(), "open 6 A", "and the way back");
    assert!(run.machine.has_space());
}

#[test]
fn a_new_key_is_tried_at_once() {
    let mut refused = run();
    refused.push(&["+A", "A"], '1');
    refused.on(1, Event::Opened);
    refused.status(1, Code::Unauthenticated);
    refused.machine.key_changed(refused.now);
    assert_eq!(refused.effects(), "open 2 A");

    let mut works = run().proven();
    works.push(&["A"], '2');
    works.machine.key_changed(works.now);
    assert_eq!(works.effects(), "open 2 A");
    assert_eq!(works.state(), "draining");
}

#[test]
fn an_unknown_method_or_a_refused_encoding_leads_to_http_for_about_an_hour() {
    for code in [Code::Unimplemented, Code::FailedPrecondition] {
        let mut run = run();
        run.push(&["+A", "A"], '1');
        run.on(1, Event::Opened);
        assert_eq!(run.status(1, code), "returned 1 Http");
        let pause = run.machine.wakes_at().unwrap();
        assert!(pause > s(3_239) && pause <= s(3_600), "{pause:?}");
        assert_eq!(run.wait(), "open 2 A");
    }
    let mut run = run();
    run.machine.start(Duration::ZERO);
    run.effects();
    run.fail(1, Failure::NotHttp2);
    assert!(run.machine.is_away());
}

#[test]
fn without_a_fallback_everything_waits() {
    let mut run = run_with(Settings {
        fallback: Fallback::None,
        ..settings()
    });
    run.push(&["+A", "A"], '1');
    for stream in 1..20 {
        run.on(stream, Event::Opened);
        let code = match stream % 2 {
            0 => Code::Unimplemented,
            _ => Code::Unauthenticated,
        };
        assert_eq!(run.status(stream, code), "");
        assert!(run.machine.wakes_at().unwrap() - run.now >= s(90));
        run.wait();
    }
    assert_eq!(run.machine.view(run.now).inflight_batches, 1);
}

#[test]
fn an_intake_that_lost_what_it_was_told_is_told_again() {
    let mut run = run().proven();
    run.push(&["A"], '2');
    assert_eq!(run.status(1, Code::FailedPrecondition), "");
    assert_eq!(run.state(), "waiting");
    run.wait();
    assert_eq!(run.on(2, Event::Opened), "send 2/0 9b, send 2/1 8b");
}

#[test]
fn the_other_profile_is_tried_where_the_first_is_unknown() {
    let mut run = run_with(Settings {
        wire: Wire::Auto,
        ..settings()
    });
    run.push(&["+A", "A"], '1');
    run.on(1, Event::Opened);
    assert_eq!(
        run.status(1, Code::Unimplemented),
        "returned 1 Again, open 2 C"
    );
    run.push(&["+A", "A"], '1');
    run.on(2, Event::Opened);
    assert_eq!(run.status(2, Code::Unimplemented), "returned 1 Http");
    assert_eq!(run.wait(), "open 3 A");
}

#[test]
fn a_batch_that_spoils_three_streams_is_made_raw_and_then_given_up() {
    let mut run = run().proven();
    run.push(&["A", "A"], '2');
    run.push(&["A"], '3');
    run.fail(1, Failure::Transport);
    for stream in 2..5 {
        run.wait();
        let sent = run.on(stream, Event::Opened);
        assert!(sent.contains("/1 14b"), "{sent}");
        run.ack(stream, 0);
        assert_eq!(run.status(stream, Code::InvalidArgument), "");
    }
    run.wait();
    run.on(5, Event::Opened);
    assert_eq!(run.machine.stats().raw_batches, 1);
    run.ack(5, 0);
    assert_eq!(run.status(5, Code::OutOfRange), "dropped Some('2') 2");
    run.wait();
    assert_eq!(run.on(6, Event::Opened), "send 6/0 9b, send 6/1 8b");
    run.ack(6, 0);
    assert_eq!(run.ack(6, 1), "delivered 3");
}

#[test]
fn a_batch_that_is_refused_with_a_word_counts_as_one_that_spoils_streams() {
    let mut run = run().proven();
    run.push(&["A"], '2');
    let refused = Event::Acknowledged {
        batch_id: 2,
        status: 0,
    };
    assert_eq!(run.on(1, refused), "cancel 1");
    assert_eq!(run.machine.stats().failures[&Failure::Rejected], 1);
    let mut lenient = run_with(Settings {
        ack_status: AckStatus::Lenient,
        ..settings()
    })
    .proven();
    lenient.push(&["A"], '2');
    assert_eq!(lenient.on(1, refused), "delivered 2");
}

#[test]
fn a_snapshot_that_spoils_three_streams_is_given_up_with_the_state() {
    let mut run = run().proven();
    run.push(&["A"], '2');
    run.fail(1, Failure::Transport);
    for stream in 2..4 {
        run.wait();
        run.on(stream, Event::Opened);
        assert_eq!(run.status(stream, Code::InvalidArgument), "");
    }
    run.wait();
    run.on(4, Event::Opened);
    assert_eq!(run.status(4, Code::InvalidArgument), "returned 2 Again");
    assert!(run.machine.snapshot().is_empty());
}

#[test]
fn what_is_too_large_for_the_server_is_made_smaller() {
    let mut batch = run().proven();
    batch.push(&["A", "A", "A"], '2');
    assert_eq!(batch.status(1, Code::ResourceExhausted), "");
    assert_eq!(batch.machine.divisor(), 2);
    batch.wait();
    let sent = batch.on(2, Event::Opened);
    assert_eq!(sent, "send 2/0 9b, send 2/1 14b, send 2/2 8b");
    assert_eq!(batch.ack(2, 1), "");
    assert_eq!(batch.ack(2, 2), "delivered 2");

    let mut snapshot = run().proven();
    snapshot.fail(1, Failure::Transport);
    snapshot.wait();
    assert_eq!(snapshot.on(2, Event::Opened), "send 2/0 9b");
    assert_eq!(snapshot.status(2, Code::ResourceExhausted), "shrink");
    snapshot.wait();
    assert_eq!(snapshot.on(3, Event::Opened), "", "only what is needed");
}

#[test]
fn a_batch_over_the_limit_is_divided_before_it_gets_an_id() {
    let mut run = run_with(Settings {
        max_message_bytes: 16,
        ..settings()
    });
    run.push(&["+A", "A", "A", "A"], '1');
    let sent = run.on(1, Event::Opened);
    assert_eq!(sent, "send 1/1 15b, send 1/2 8b, send 1/3 8b");
}

#[test]
fn the_last_id_needs_another_stream() {
    let mut run = run_with(Settings {
        last_batch_id: 2,
        ..settings()
    })
    .proven();
    run.push(&["A"], '2');
    assert_eq!(run.push(&["A"], '3'), "open 2 A");
    run.on(2, Event::Opened);
    assert_eq!(
        run.ack(1, 2),
        "delivered 2, half-close 1, send 2/0 9b, send 2/1 8b"
    );
}

#[test]
fn a_goaway_replaces_the_stream_without_harm() {
    let mut run = run().proven();
    run.push(&["A"], '2');
    assert_eq!(run.on(1, Event::GoAway), "open 2 A");
    assert_eq!(run.ack(1, 2), "delivered 2, half-close 1");
    assert_eq!(run.state(), "connecting");
    assert_eq!(run.on(2, Event::Opened), "send 2/0 9b");
}

#[test]
fn a_successor_that_fails_is_replaced_when_the_old_one_is_done() {
    let mut run = run().proven();
    run.push(&["A"], '2');
    run.on(1, Event::GoAway);
    assert_eq!(run.fail(2, Failure::CreationFailed), "");
    assert_eq!(run.state(), "draining");
    assert_eq!(run.ack(1, 2), "delivered 2, half-close 1");
    assert_eq!(run.state(), "waiting");
}

#[test]
fn an_old_stream_that_breaks_does_not_delay_the_next() {
    let mut run = run().proven();
    run.push(&["A"], '2');
    run.on(1, Event::GoAway);
    run.on(2, Event::Opened);
    assert_eq!(run.fail(1, Failure::Transport), "send 2/0 9b, send 2/1 8b");
}

#[test]
fn space_ends_with_the_number_or_the_bytes_in_flight() {
    let mut number = run_with(Settings {
        max_inflight_payloads: 2,
        ..settings()
    });
    assert!(number.machine.has_space());
    number.push(&["+A", "A"], '1');
    assert!(number.machine.has_space());
    number.push(&["A"], '2');
    assert!(!number.machine.has_space());
    number.on(1, Event::Opened);
    number.ack(1, 1);
    assert!(number.machine.has_space());

    let mut bytes = run_with(Settings {
        max_inflight_bytes: 1,
        ..settings()
    });
    bytes.push(&["+A", "A"], '1');
    assert!(!bytes.machine.has_space());
}

#[test]
fn closing_waits_for_what_is_owed_and_ends_in_peace() {
    let mut run = run().proven();
    run.push(&["A"], '2');
    run.machine.close(s(15), run.now);
    assert_eq!((run.effects().as_str(), run.state()), ("", "active"));
    assert_eq!(run.ack(1, 2), "delivered 2, half-close 1");
    assert!(run.machine.is_stopped());
    run.machine.close(s(15), run.now);
    assert_eq!(run.effects(), "", "stopping twice is stopping once");
    assert_eq!(run.push(&["A"], '3'), "returned 3 Undelivered");
}

#[test]
fn closing_gives_back_what_is_not_acknowledged_in_time() {
    let mut run = run().proven();
    run.push(&["A"], '2');
    run.push(&["A"], '3');
    run.machine.close(s(15), run.now);
    run.machine.close(s(8), run.now);
    assert_eq!(run.machine.wakes_at(), Some(s(8)));
    assert_eq!(run.at(s(8)), "cancel 1, returned 23 Undelivered");
    assert!(run.machine.is_stopped());
    assert_eq!(run.machine.wakes_at(), None);
}

#[test]
fn closing_is_safe_in_every_state() {
    let check = |mut run: Run, effects: &str| {
        run.effects();
        run.machine.close(run.now, run.now);
        assert_eq!(run.effects(), effects);
        assert!(run.machine.is_stopped());
    };
    check(run(), "");
    let mut connecting = run();
    connecting.machine.start(Duration::ZERO);
    check(connecting, "cancel 1");
    check(run().proven(), "half-close 1");
    let mut draining = run().proven();
    draining.push(&["A"], '2');
    draining.on(1, Event::GoAway);
    check(draining, "cancel 1, cancel 2, returned 2 Undelivered");
    let mut waiting = run().proven();
    waiting.fail(1, Failure::Transport);
    check(waiting, "");
    let mut away = run();
    away.machine.start(Duration::ZERO);
    away.status(1, Code::Unimplemented);
    check(away, "");
}

#[test]
fn a_long_pause_is_cut_short_when_there_is_little_time() {
    let mut run = run();
    run.push(&["+A", "A"], '1');
    run.on(1, Event::Opened);
    run.status(1, Code::Unauthenticated);
    run.machine.close(s(15), run.now);
    assert_eq!(run.at(s(1)), "open 2 A");
}

#[test]
fn a_rest_ends_a_stream_that_has_nothing_to_do() {
    let mut run = run().proven();
    run.push(&["A"], '2');
    run.machine.rest(run.now);
    assert_eq!(run.effects(), "");
    run.ack(1, 2);
    run.machine.rest(run.now);
    assert_eq!(run.effects(), "half-close 1");
    assert_eq!(run.machine.wakes_at(), None);
    assert_eq!(run.push(&["A"], '3'), "open 2 A");
}
