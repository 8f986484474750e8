//! What an HTTP status of an intake means for the payload that it answers.
//!
//! Each product states its own table; the forwarder only obeys it.

/// What to do with a payload after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The intake has it.
    Accept,
    /// Try again, after the pause that `Retry-After` asks for if there is one.
    Retry,
    /// The key is missing or wrong: ask for a fresh one and try once more if it changed, else drop.
    RefreshKey,
    /// The key may be out of date: ask for a fresh one, and try again whether it changed or not, since keys of some
    /// intakes are refused for a while after they were made.
    RefreshKeyAndRetry,
    /// Too large: halve it and send both halves; drop what cannot be halved.
    Split,
    /// The encoding was refused: send once more uncompressed, and from then on to this endpoint; drop if it already was.
    SendUncompressed,
    /// Trying again cannot help: drop and count.
    Drop,
}

/// A status, or a range of them, and its action.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// First status of the range.
    pub from: u16,
    /// Last status of the range, itself included.
    pub to: u16,
    /// What an answer in the range asks for.
    pub action: Action,
}

/// The rules of one product: the first that covers a status decides, and none means [`Action::Drop`].
#[derive(Debug, Clone, Copy)]
pub struct StatusTable(pub &'static [Rule]);

impl StatusTable {
    /// The action for `status`.
    #[must_use]
    pub fn action(&self, status: u16) -> Action {
        self.0
            .iter()
            .find(|rule| (rule.from..=rule.to).contains(&status))
            .map_or(Action::Drop, |rule| rule.action)
    }
}

const fn one(status: u16, action: Action) -> Rule {
    Rule {
        from: status,
        to: status,
        action,
    }
}

/// The table of the logs intake (public Logs API reference; a redirect is refused, since following it would turn
/// `POST` into `GET` and show the key to another host).
pub const LOGS: StatusTable = StatusTable(&[
    Rule {
        from: 200,
        to: 299,
        action: Action::Accept,
    },
    one(401, Action::RefreshKey),
    one(403, Action::RefreshKey),
    one(408, Action::Retry),
    one(413, Action::Split),
    one(415, Action::SendUncompressed),
    one(425, Action::Retry),
    one(429, Action::Retry),
    Rule {
        from: 500,
        to: 599,
        action: Action::Retry,
    },
]);

/// The table of the metrics intakes: as the core agent has it, which tries all again but what a repetition cannot
/// change, 404 included, and as the logs intake where that agent would lose data: too large bodies are halved.
pub const METRICS: StatusTable = StatusTable(&[
    Rule {
        from: 200,
        to: 299,
        action: Action::Accept,
    },
    one(400, Action::Drop),
    one(403, Action::RefreshKey),
    one(413, Action::Split),
    one(415, Action::SendUncompressed),
    Rule {
        from: 400,
        to: 599,
        action: Action::Retry,
    },
]);

/// The table of the intakes of traces and of trace stats: as the trace agent has it, which tries a refused key again
/// too. Too large bodies are halved where their product can, and dropped else.
pub const TRACES: StatusTable = StatusTable(&[
    Rule {
        from: 200,
        to: 299,
        action: Action::Accept,
    },
    one(403, Action::RefreshKeyAndRetry),
    one(408, Action::Retry),
    one(413, Action::Split),
    one(429, Action::Retry),
    Rule {
        from: 500,
        to: 599,
        action: Action::Retry,
    },
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logs_table_covers_each_class_of_answer() {
        let cases = [
            (200, Action::Accept),
            (202, Action::Accept),
            (302, Action::Drop),
            (400, Action::Drop),
            (401, Action::RefreshKey),
            (403, Action::RefreshKey),
            (404, Action::Drop),
            (408, Action::Retry),
            (413, Action::Split),
            (415, Action::SendUncompressed),
            (422, Action::Drop),
            (425, Action::Retry),
            (429, Action::Retry),
            (500, Action::Retry),
            (599, Action::Retry),
            (600, Action::Drop),
        ];
        for (status, action) in cases {
            assert_eq!(LOGS.action(status), action, "{status}");
        }
    }

    #[test]
    fn the_metrics_table_gives_up_only_what_a_repetition_cannot_change() {
        let cases = [
            (200, Action::Accept),
            (202, Action::Accept),
            (301, Action::Drop),
            (400, Action::Drop),
            (401, Action::Retry),
            (403, Action::RefreshKey),
            (404, Action::Retry),
            (408, Action::Retry),
            (413, Action::Split),
            (415, Action::SendUncompressed),
            (422, Action::Retry),
            (429, Action::Retry),
            (500, Action::Retry),
            (599, Action::Retry),
            (600, Action::Drop),
        ];
        for (status, action) in cases {
            assert_eq!(METRICS.action(status), action, "{status}");
        }
    }

    #[test]
    fn the_traces_table_tries_again_only_what_may_pass_later() {
        let cases = [
            (200, Action::Accept),
            (202, Action::Accept),
            (301, Action::Drop),
            (400, Action::Drop),
            (401, Action::Drop),
            (403, Action::RefreshKeyAndRetry),
            (404, Action::Drop),
            (408, Action::Retry),
            (413, Action::Split),
            (415, Action::Drop),
            (422, Action::Drop),
            (429, Action::Retry),
            (500, Action::Retry),
            (599, Action::Retry),
            (600, Action::Drop),
        ];
        for (status, action) in cases {
            assert_eq!(TRACES.action(status), action, "{status}");
        }
    }
}
