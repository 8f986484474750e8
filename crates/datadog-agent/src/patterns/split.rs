//! Finds the values of a line by the template of its pattern.

use std::ops::Range;

use super::engine::Part;

/// Where the variables of `parts` stand in `line`, in their order; `None` when the line is not of this template.
///
/// `ends` are those of the line's tokens. Where each variable is one token they tell; else the text between does.
pub(super) fn split(line: &[u8], parts: &[Part], ends: &[usize]) -> Option<Vec<Range<usize>>> {
    by_tokens(line, parts, ends).or_else(|| by_text(line, parts))
}

fn by_tokens(line: &[u8], parts: &[Part], ends: &[usize]) -> Option<Vec<Range<usize>>> {
    let mut values = Vec::new();
    let mut at = 0;
    for part in parts {
        match part {
            Part::Variable(_) => {
                let end = *ends.get(ends.partition_point(|&end| end <= at))?;
                values.push(at..end);
                at = end;
            }
            Part::Literal(text) => {
                line.get(at..)?.starts_with(text).then_some(())?;
                at += text.len();
            }
        }
    }
    (at == line.len()).then_some(values)
}

/// A value ends where the text behind its place is found first. Of variables with no text between them the first has
/// what they hold together, as nothing tells where one ends.
fn by_text(line: &[u8], parts: &[Part]) -> Option<Vec<Range<usize>>> {
    let mut values: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    // The first of the variables whose end is not known yet.
    let mut open: Option<usize> = None;
    for (number, part) in parts.iter().enumerate() {
        match part {
            Part::Variable(_) => {
                open.get_or_insert(values.len());
                values.push(at..at);
            }
            Part::Literal(text) if text.is_empty() => {}
            Part::Literal(text) => {
                let rest = &line[at..];
                let is_last = number + 1 == parts.len();
                let found = match open {
                    None => rest.starts_with(text).then_some(0),
                    Some(_) if is_last => rest.ends_with(text).then(|| rest.len() - text.len()),
                    Some(_) => find(rest, text),
                }?;
                close(&mut values, open.take(), at + found);
                at += found + text.len();
            }
        }
    }
    let is_whole = open.is_some() || at == line.len();
    close(&mut values, open, line.len());
    is_whole.then_some(values)
}

fn close(values: &mut [Range<usize>], open: Option<usize>, end: usize) {
    let Some(first) = open else { return };
    for (number, value) in values.iter_mut().enumerate().skip(first) {
        value.end = end;
        if number > first {
            value.start = end;
        }
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values by the text of a template of which `*` is a variable.
    fn values<'a>(line: &'a str, template: &str) -> Option<Vec<&'a str>> {
        values_with(line, template, &[])
    }

    fn values_with<'a>(line: &'a str, template: &str, ends: &[usize]) -> Option<Vec<&'a str>> {
        let mut parts = Vec::new();
        for (number, text) in template.split('*').enumerate() {
            if number > 0 {
                parts.push(Part::Variable("*"));
            }
            parts.push(Part::Literal(text.as_bytes().to_vec()));
        }
        let found = split(line.as_bytes(), &parts, ends)?;
        found.into_iter().map(|range| line.get(range)).collect()
    }

    #[test]
    fn a_value_ends_where_the_text_behind_it_begins() {
        assert_eq!(values("user 17 left", "user * left"), Some(vec!["17"]));
        assert_eq!(values("a=1 b=2", "a=* b=*"), Some(vec!["1", "2"]));
        assert_eq!(values("a a a", "* a"), Some(vec!["a a"]));
        assert_eq!(values("x", "*"), Some(vec!["x"]));
        assert_eq!(values("", ""), Some(vec![]));
    }

    #[test]
    fn tokens_tell_where_a_value_ends_even_with_the_text_behind_it_inside() {
        let line = "at Dec 10 host up";
        assert_eq!(
            values_with(line, "at * * up", &[2, 3, 9, 10, 14, 15, 17]),
            Some(vec!["Dec 10", "host"])
        );
        assert_eq!(
            values_with("a12:", "a**:", &[1, 2, 3, 4]),
            Some(vec!["1", "2"])
        );
    }

    #[test]
    fn variables_of_several_tokens_are_told_by_the_text_between() {
        assert_eq!(
            values_with("a 1.2.3 b", "a * b", &[1, 2, 3, 4, 5, 6, 7, 8, 9]),
            Some(vec!["1.2.3"])
        );
    }

    #[test]
    fn variables_beside_one_another_share_a_value() {
        assert_eq!(values("a 12:", "a **:"), Some(vec!["12", ""]));
    }

    #[test]
    fn a_line_of_another_template_has_no_values() {
        assert_eq!(values("user 17", "user * left"), None);
        assert_eq!(values("abc", "ab"), None);
        assert_eq!(values("xb", "a*"), None);
    }
}
