//! Whether the name of a variable is a slip for one of ours.

/// What may be wrong with the name of a variable, and with which key it was confused.
pub(super) fn suspicion(
    name: &str,
    known: &[(&str, &'static str)],
) -> Option<(String, &'static str)> {
    let upper = name.to_ascii_uppercase();
    let rest = upper
        .strip_prefix("DD_")
        .or_else(|| upper.strip_prefix("DATADOG_"))?;
    let ours = format!("DD_{rest}");
    let exact = known.iter().find(|(known, _)| **known == *ours);
    if !name.starts_with("DD_") && !name.starts_with("DATADOG_") {
        let key = exact.map_or("environment", |(_, key)| key);
        return Some((
            format!("names are in upper case, did you mean {upper}"),
            key,
        ));
    }
    if exact.is_some_and(|_| name == upper) {
        return None;
    }
    known
        .iter()
        .map(|(known, key)| (distance_up_to_two(&ours, known), known, key))
        .filter_map(|(distance, known, key)| Some((distance?, known, key)))
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, known, key)| (format!("unknown, did you mean {known}"), *key))
}

/// How many letters must be put in, taken out or exchanged to make one name of the other; `None` for more than two.
fn distance_up_to_two(one: &str, other: &str) -> Option<usize> {
    if one.len().abs_diff(other.len()) > 2 {
        return None;
    }
    let other: Vec<u8> = other.bytes().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, byte) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, other_byte) in other.iter().enumerate() {
            let change = diagonal + usize::from(byte != *other_byte);
            diagonal = row[column + 1];
            row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().filter(|distance| *distance <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_end_at_two() {
        for (one, other, distance) in [
            ("DD_SITE", "DD_SITE", Some(0)),
            ("DD_SIT", "DD_SITE", Some(1)),
            ("DD_STIE", "DD_SITE", Some(2)),
            ("DD_SITESS", "DD_SITE", Some(2)),
            ("DD_SITESSS", "DD_SITE", None),
            ("DD_ABCD", "DD_SITE", None),
        ] {
            assert_eq!(distance_up_to_two(one, other), distance, "{one}");
        }
    }

    #[test]
    fn the_nearest_name_is_proposed() {
        let known = [("DD_URL", "url"), ("DD_DD_URL", "dd_url")];
        assert_eq!(
            suspicion("DD_D_URL", &known),
            Some(("unknown, did you mean DD_DD_URL".to_owned(), "dd_url"))
        );
    }
}
