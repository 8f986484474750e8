//! What remote configuration may do to AppSec: turn it on and off, and which abilities are told to the backend.
//!
//! The user's word goes before the backend's: AppSec that was turned off by the user stays off.

use serde_json::Value as Json;

/// What turns AppSec on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Activation {
    /// What the user said, if anything.
    pub user: Option<bool>,
    /// What the file of `ASM_FEATURES` says, while there is one.
    pub remote: Option<bool>,
}

impl Activation {
    /// Whether AppSec is on.
    pub fn is_on(self) -> bool {
        self.user.or(self.remote).unwrap_or(false)
    }

    /// Whether the backend has a say.
    pub fn is_remote(self) -> bool {
        self.user.is_none()
    }

    /// Reads a file of `ASM_FEATURES`: nothing, if it says nothing of AppSec.
    pub fn read(content: &[u8]) -> Option<bool> {
        let features: Json = serde_json::from_slice(content).ok()?;
        features.pointer("/asm/enabled").and_then(Json::as_bool)
    }
}

/// Abilities that blocking needs: addresses, rules, users and pages.
const BLOCKING: [u8; 5] = [2, 5, 6, 7, 9];
/// Abilities of everything else that rules can be told.
const RULES: [u8; 12] = [3, 4, 8, 16, 17, 18, 32, 33, 34, 35, 42, 43];
/// The ability to be turned on.
const ACTIVATION: u8 = 1;

/// The numbers of the abilities that are told to the backend.
pub fn capabilities(
    activation: Activation,
    blocking: crate::config::Blocking,
    source: crate::rules::Source,
) -> Vec<u8> {
    let mut numbers = Vec::new();
    if activation.is_remote() {
        numbers.push(ACTIVATION);
    }
    if activation.is_on() && source == crate::rules::Source::Recommended {
        numbers.extend(RULES);
        if blocking == crate::config::Blocking::Obeyed {
            numbers.extend(BLOCKING);
        }
    }
    numbers.sort_unstable();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Blocking;
    use crate::rules::Source;

    #[test]
    fn the_users_word_goes_before_the_backends() {
        let on = |user, remote| Activation { user, remote }.is_on();
        assert!(on(None, Some(true)) && on(Some(true), Some(false)) && on(Some(true), None));
        assert!(!on(None, None) && !on(None, Some(false)) && !on(Some(false), Some(true)));
    }

    #[test]
    fn a_file_says_so_or_nothing() {
        assert_eq!(Activation::read(br#"{"asm":{"enabled":true}}"#), Some(true));
        assert_eq!(
            Activation::read(br#"{"asm":{"enabled":false}}"#),
            Some(false)
        );
        assert_eq!(Activation::read(br#"{"api_security":{}}"#), None);
        assert_eq!(Activation::read(b"{"), None);
    }

    #[test]
    fn nobody_is_told_of_blocking_who_cannot() {
        let of = |user, blocking, source| {
            let remote = None;
            capabilities(Activation { user, remote }, blocking, source)
        };
        let recommended = Source::Recommended;
        assert_eq!(of(None, Blocking::Obeyed, recommended), [1]);
        assert_eq!(of(Some(true), Blocking::Obeyed, Source::User), [0; 0]);
        assert_eq!(of(Some(true), Blocking::Ignored, recommended), RULES);
        assert_eq!(
            of(Some(true), Blocking::Obeyed, recommended),
            [2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 18, 32, 33, 34, 35, 42, 43]
        );
    }
}
