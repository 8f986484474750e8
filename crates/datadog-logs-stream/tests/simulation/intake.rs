//! An intake that decodes for real, and behaves as badly as intakes do.

use std::collections::{BTreeMap, BTreeSet};

use datadog_logs_patterns::decoder::{ContentEncoding, Decoder, Error, Limits};
use datadog_logs_patterns::wire::Profile;
use datadog_logs_stream::{Code, Event, Failure, StreamId};

use crate::logs::number_in;

/// One stream as the intake sees it.
struct Stream {
    decoder: Decoder,
    /// The number of the last log on it.
    last: Option<u64>,
    /// It never answers.
    is_mute: bool,
    /// It was told to forget what it knows, so that what follows may be undecodable.
    has_forgotten: bool,
}

/// What the intake does with a batch besides decoding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Acknowledges it.
    Good,
    /// Ends the stream instead.
    Ends(Failure),
    /// Ends the stream without having looked at it.
    Refuses(Failure),
    /// Stores it and says nothing any more.
    FallsMute,
    /// Acknowledges another one.
    Confuses,
    /// Says no.
    SaysNo,
    /// Forgets what it knows, then reads it.
    Forgets,
    /// Acknowledges it and is about to go.
    SaysGoodbye,
}

#[derive(Default)]
pub(crate) struct Intake {
    streams: BTreeMap<StreamId, Stream>,
    /// Logs that it refuses, each with how often.
    pub(crate) poison: BTreeMap<u64, u32>,
    /// How many snapshots it refuses.
    pub(crate) refused_snapshots: u32,
    pub(crate) arrived: BTreeSet<u64>,
    pub(crate) duplicates: u64,
}

impl Intake {
    pub(crate) fn open(&mut self, stream: StreamId, profile: Profile, encoding: ContentEncoding) {
        let decoder = Decoder::new(profile, Limits::default()).with_encoding(encoding);
        let opened = Stream {
            decoder,
            last: None,
            is_mute: false,
            has_forgotten: false,
        };
        assert!(self.streams.insert(stream, opened).is_none());
    }

    pub(crate) fn forget_stream(&mut self, stream: StreamId) {
        self.streams.remove(&stream);
    }

    pub(crate) fn decoder(&self, stream: StreamId) -> Option<&Decoder> {
        self.streams.get(&stream).map(|stream| &stream.decoder)
    }

    /// Takes a batch; returns what the client will see.
    pub(crate) fn take(
        &mut self,
        id: StreamId,
        batch_id: u32,
        data: &[u8],
        mood: Mood,
    ) -> Vec<Event> {
        let Some(stream) = self.streams.get_mut(&id) else {
            return Vec::new();
        };
        if let Mood::Refuses(failure) = mood {
            return self.end(id, failure);
        }
        if mood == Mood::Forgets {
            let fresh = Decoder::new(Profile::A, Limits::default());
            drop(std::mem::replace(&mut stream.decoder, fresh));
            return self.end(id, Failure::Status(Code::FailedPrecondition));
        }
        let records = match stream.decoder.decode(batch_id, data) {
            Ok(records) => records,
            Err(error) => return self.undecodable(id, &error),
        };
        if let Some(failure) = self.refusal(batch_id, records.iter().map(|it| number_in(&it.body)))
        {
            return self.end(id, failure);
        }
        let Some(stream) = self.streams.get_mut(&id) else {
            return Vec::new();
        };
        for record in records {
            let number = number_in(&record.body);
            assert!(
                stream.last.is_none_or(|last| last < number),
                "log {number} came behind log {:?} of its stream",
                stream.last
            );
            stream.last = Some(number);
            self.duplicates += u64::from(!self.arrived.insert(number));
        }
        self.answer(id, batch_id, mood)
    }

    /// Whether it dislikes a batch for what is in it.
    fn refusal(&mut self, batch_id: u32, numbers: impl Iterator<Item = u64>) -> Option<Failure> {
        if batch_id == 0 && self.refused_snapshots > 0 {
            self.refused_snapshots -= 1;
            return Some(Failure::Status(Code::OutOfRange));
        }
        for number in numbers {
            if let Some(left) = self.poison.get_mut(&number)
                && *left > 0
            {
                *left -= 1;
                return Some(Failure::Status(Code::InvalidArgument));
            }
        }
        None
    }

    fn undecodable(&mut self, id: StreamId, error: &Error) -> Vec<Event> {
        let has_forgotten = self.streams.get(&id).is_some_and(|it| it.has_forgotten);
        assert!(has_forgotten, "cannot be decoded: {error}");
        self.end(id, Failure::Status(Code::FailedPrecondition))
    }

    fn answer(&mut self, id: StreamId, batch_id: u32, mood: Mood) -> Vec<Event> {
        let Some(stream) = self.streams.get_mut(&id) else {
            return Vec::new();
        };
        let acknowledge = |batch_id, status| Event::Acknowledged { batch_id, status };
        stream.is_mute |= mood == Mood::FallsMute;
        if stream.is_mute {
            return Vec::new();
        }
        match mood {
            Mood::Ends(failure) => self.end(id, failure),
            Mood::Confuses => vec![acknowledge(batch_id + 100, 1)],
            Mood::SaysNo => vec![acknowledge(batch_id, 2)],
            Mood::SaysGoodbye => vec![acknowledge(batch_id, 1), Event::GoAway],
            Mood::Good | Mood::Refuses(_) | Mood::FallsMute | Mood::Forgets => {
                vec![acknowledge(batch_id, 1)]
            }
        }
    }

    fn end(&mut self, id: StreamId, failure: Failure) -> Vec<Event> {
        self.streams.remove(&id);
        vec![Event::Ended(failure)]
    }

    /// The intake is started anew: nothing is known of any stream.
    pub(crate) fn restart(&mut self) -> Vec<StreamId> {
        std::mem::take(&mut self.streams).into_keys().collect()
    }
}
