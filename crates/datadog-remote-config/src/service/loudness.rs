//! How loudly a failure is logged: what is likely to last does not fill the log.

use tracing::Level;

use crate::RefreshError;
use crate::backend::ApiError;

/// Equal failures in a row that are logged as usual.
const LOUD: u32 = 5;

/// Counts equal failures in a row.
#[derive(Debug, Default)]
pub(super) struct Loudness {
    last: String,
    in_a_row: u32,
}

impl Loudness {
    /// The level of this failure. `is_allowed` is whether the organisation and the key may use remote configuration, as
    /// far as the backend has said.
    pub(super) fn level(&mut self, error: &RefreshError, is_allowed: bool) -> Level {
        let text = error.to_string();
        self.in_a_row = match text == self.last {
            true => self.in_a_row.saturating_add(1),
            false => 1,
        };
        self.last = text;
        if !is_allowed {
            return Level::DEBUG;
        }
        let is_loud = self.in_a_row <= LOUD;
        match error {
            RefreshError::Api(error) if error.is_ours() && !is_loud => Level::DEBUG,
            RefreshError::Api(ApiError::Unavailable(_)) if is_loud => Level::WARN,
            _ => Level::ERROR,
        }
    }

    /// Something succeeded.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: &ApiError, first_five: Level, then: Level) {
        let mut loudness = Loudness::default();
        let error = RefreshError::Api(error.clone());
        for _ in 0..LOUD {
            assert_eq!(loudness.level(&error, true), first_five);
        }
        assert_eq!(loudness.level(&error, true), then);
        loudness.forget();
        assert_eq!(loudness.level(&error, true), first_five);
        assert_eq!(loudness.level(&error, false), Level::DEBUG);
    }

    #[test]
    fn what_lasts_is_not_repeated_for_ever() {
        check(&ApiError::Unauthorized, Level::ERROR, Level::DEBUG);
        check(&ApiError::Proxy(403), Level::ERROR, Level::DEBUG);
        check(&ApiError::Unavailable(503), Level::WARN, Level::ERROR);
        check(&ApiError::Status(500), Level::ERROR, Level::ERROR);
    }

    #[test]
    fn another_failure_begins_a_new_row() {
        let mut loudness = Loudness::default();
        for _ in 0..LOUD {
            loudness.level(&ApiError::Proxy(403).into(), true);
        }
        let other = ApiError::Proxy(404).into();
        assert_eq!(loudness.level(&other, true), Level::ERROR);
    }
}
