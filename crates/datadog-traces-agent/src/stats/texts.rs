//! Several short texts in one allocation: what the keys of stats are made of.

/// So many texts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Texts<const N: usize> {
    text: Box<str>,
    /// Where each of them ends.
    ends: [u32; N],
}

impl<const N: usize> Texts<N> {
    /// Copies texts, together less than 4 GiB.
    pub(crate) fn new(texts: [&str; N]) -> Self {
        let mut end = 0_usize;
        let ends = texts.map(|text| {
            end += text.len();
            u32::try_from(end).unwrap_or(u32::MAX)
        });
        Self {
            text: texts.concat().into(),
            ends,
        }
    }

    /// The texts.
    pub(crate) fn get(&self) -> [&str; N] {
        let mut start = 0;
        self.ends.map(|end| {
            let end = end as usize;
            let text = self.text.get(start..end).unwrap_or_default();
            start = end;
            text
        })
    }

    /// Whether these are the texts.
    pub(crate) fn are(&self, texts: &[&str; N]) -> bool {
        let mut rest = self.text.as_bytes();
        let mut start = 0;
        // Lengths first: they differ more often than not.
        let same_ends = self.ends.iter().zip(texts).all(|(end, text)| {
            let len = *end as usize - start;
            start = *end as usize;
            len == text.len()
        });
        same_ends
            && texts.iter().all(|text| {
                let Some(after) = rest.strip_prefix(text.as_bytes()) else {
                    return false;
                };
                rest = after;
                true
            })
    }

    /// The bytes that are allocated.
    pub(crate) const fn bytes(&self) -> usize {
        self.text.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_what_they_were_and_no_others() {
        let texts = Texts::new(["ab", "", "c"]);
        assert_eq!(texts.get(), ["ab", "", "c"]);
        assert!(texts.are(&["ab", "", "c"]));
        for other in [
            ["a", "b", "c"],
            ["ab", "c", ""],
            ["ab", "", "d"],
            ["xb", "", "c"],
        ] {
            assert!(!texts.are(&other), "{other:?}");
            assert_ne!(texts, Texts::new(other));
        }
        assert_eq!(texts.bytes(), 3);
    }
}
