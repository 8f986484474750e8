//! Tests of the bins. The cases of `merge`, `trim` and `add` are those of the agent's own store (its package
//! `quantile`, file `store_test.go`).

use proptest::prelude::*;

use super::*;

const MAX: u32 = 65_535;

/// Bins as `key:count`, where `max` is a full one.
fn parse(text: &str) -> Bins {
    let mut bins = Bins::new(BinWidth::U16);
    for word in text.split_whitespace() {
        let (key, count) = word.split_once(':').unwrap();
        let count = match count.strip_prefix("max") {
            Some("") => MAX,
            Some(less) => MAX - less.strip_prefix('-').unwrap().parse::<u32>().unwrap(),
            None => count.parse().unwrap(),
        };
        let key = key.parse().unwrap();
        bins.push_bin(Bin { key, count });
    }
    bins
}

fn show(bins: &Bins) -> String {
    let words: Vec<String> = bins
        .list
        .iter()
        .map(|bin| match bin.count {
            MAX => format!("{}:max", bin.key),
            count => format!("{}:{count}", bin.key),
        })
        .collect();
    words.join(" ")
}

#[test]
fn keys_are_added_to_their_bins() {
    for (before, keys, after) in [
        ("", &mut [0, 0, 0, 1, 2, 5, 9][..], "0:3 1:1 2:1 5:1 9:1"),
        ("0:2", &mut [-1, -2, -3], "-3:1 -2:1 -1:1 0:2"),
        ("0:2", &mut [0, 0], "0:4"),
        ("0:max", &mut [0], "0:1 0:max"),
        ("0:max 0:max", &mut [0], "0:1 0:max 0:max"),
        ("0:1 0:max 0:max", &mut [0, 0], "0:3 0:max 0:max"),
        (
            "1:1 3:1 4:1 5:1 6:1 7:1",
            &mut [2, 3],
            "1:1 2:1 3:2 4:1 5:1 6:1 7:1",
        ),
        ("1:1 3:1", &mut [2, 2, 2], "1:1 2:3 3:1"),
        ("0:max-3", &mut [0; 5], "0:2 0:max"),
        ("0:max-1", &mut [-1, 0, 1, 0, 1], "-1:1 0:1 0:max 1:2"),
    ] {
        let mut one_by_one = parse(before);
        for &key in keys.iter() {
            one_by_one.add(key, 1);
        }
        assert_eq!(show(&one_by_one), after);
        let mut together = parse(before);
        together.add_all(keys);
        assert_eq!(show(&together), after);
    }
}

#[test]
fn a_count_that_fits_in_no_bin_takes_several() {
    for (before, count, after) in [
        ("", 70_000, "1:4465 1:max"),
        ("", 65_535, "1:max"),
        ("", 3 * 65_535, "1:max 1:max 1:max"),
        ("1:5 1:max 2:1", 70_000, "1:4470 1:max 1:max 2:1"),
        ("0:1 1:max 2:1", 65_535, "0:1 1:max 1:max 2:1"),
    ] {
        let mut bins = parse(before);
        bins.add(1, count);
        assert_eq!(show(&bins), after);
    }
}

#[test]
fn bins_are_merged_by_key() {
    for (left, right, after) in [
        ("1:1", "", "1:1"),
        ("", "1:1", "1:1"),
        ("1:3", "1:2", "1:5"),
        ("1:max-1", "1:max-2", "1:65532 1:max"),
        ("1:1 2:1 3:1", "5:1 6:1 10:1", "1:1 2:1 3:1 5:1 6:1 10:1"),
        ("1:7 1:max 2:1", "1:max 1:max", "1:7 1:max 1:max 1:max 2:1"),
    ] {
        let mut bins = parse(left);
        bins.merge(&parse(right));
        assert_eq!(show(&bins), after);
    }
}

#[test]
fn wide_bins_are_split_when_they_are_merged_into_narrow_ones() {
    let mut wide = Bins::new(BinWidth::U32);
    wide.add(1, 70_000);
    let mut bins = parse("0:1");
    bins.merge(&wide);
    assert_eq!(show(&bins), "0:1 1:4465 1:max");
}

#[test]
fn the_lowest_bins_are_merged_into_the_lowest_that_stays() {
    for (before, limit, after) in [
        ("1:1", 1, "1:1"),
        ("0:2 1:2 2:2 8:2 9:2 10:1", 3, "8:8 9:2 10:1"),
        ("1:max 2:max 3:max", 2, "2:max 2:max 3:max"),
        (
            "1:max 1:max 1:1 2:max 3:1 4:1",
            3,
            "1:max 1:max 2:1 2:max 3:1 4:1",
        ),
        ("1:max-1 2:max-1 3:1", 3, "1:65534 2:65534 3:1"),
        ("1:3 2:max-1 3:1", 2, "2:2 2:max 3:1"),
    ] {
        let mut bins = parse(before);
        bins.trim(limit);
        assert_eq!(show(&bins), after, "{before}");
    }
}

#[test]
fn the_limit_holds_in_every_order() {
    let above = i16::try_from(BIN_LIMIT).unwrap() + 3;
    let expected = {
        let mut bins = Bins::new(BinWidth::U32);
        bins.push_bin(Bin { key: 4, count: 4 });
        for key in 5..=above {
            bins.push_bin(Bin { key, count: 1 });
        }
        bins
    };
    assert_eq!(expected.list.len(), BIN_LIMIT);
    let orders: [Vec<i16>; 3] = [
        (1..=above).collect(),
        (1..=above).rev().collect(),
        (1..=above).map(|key| 1 + key * 7 % above).collect(),
    ];
    for order in orders {
        let mut one_by_one = Bins::new(BinWidth::U32);
        let mut together = Bins::new(BinWidth::U32);
        for &key in &order {
            one_by_one.add(key, 1);
            assert!(one_by_one.list.len() <= BIN_LIMIT);
        }
        for keys in order.chunks(BATCH) {
            together.add_all(&mut keys.to_vec());
        }
        assert_eq!(one_by_one, expected);
        assert_eq!(together, expected);
        for bins in [one_by_one, together] {
            assert!(bins.bytes() <= (BIN_LIMIT + SPARE) * size_of::<Bin>());
        }
    }
}

fn total(bins: &Bins) -> u64 {
    bins.list.iter().map(|bin| u64::from(bin.count)).sum()
}

/// Keys with counts, often enough the same and large.
fn counts() -> impl Strategy<Value = Vec<(i16, u64)>> {
    let count = prop_oneof![4 => 1u64..5, 1 => 60_000u64..200_000];
    proptest::collection::vec((-9i16..9, count), 0..40)
}

fn of(counts: &[(i16, u64)], width: BinWidth) -> Bins {
    let mut bins = Bins::new(width);
    for &(key, count) in counts {
        bins.add(key, count);
    }
    bins
}

proptest! {
    #[test]
    fn the_order_of_what_is_added_does_not_matter(counts in counts(), wide: bool) {
        let width = if wide { BinWidth::U32 } else { BinWidth::U16 };
        let bins = of(&counts, width);
        let mut reversed = counts.clone();
        reversed.reverse();
        prop_assert_eq!(&of(&reversed, width), &bins);
        prop_assert_eq!(total(&bins), counts.iter().map(|(_, count)| count).sum::<u64>());
        let (left, right) = counts.split_at(counts.len() / 2);
        let mut merged = of(left, width);
        merged.merge(&of(right, width));
        prop_assert_eq!(merged, bins);
    }

    #[test]
    fn trimming_loses_no_count_and_keeps_the_order(counts in counts(), limit in 1usize..9) {
        let mut bins = of(&counts, BinWidth::U16);
        let (before, full) = (total(&bins), total(&bins) / u64::from(MAX));
        bins.trim(limit);
        prop_assert_eq!(total(&bins), before);
        prop_assert!(bins.list.is_sorted_by_key(|bin| bin.key));
        prop_assert!(bins.list.len() as u64 <= limit as u64 + full + 1);
    }

    #[test]
    fn keys_together_are_as_keys_one_by_one(
        before in counts(),
        mut keys in proptest::collection::vec(-20i16..20, 0..BATCH),
    ) {
        let mut one_by_one = of(&before, BinWidth::U16);
        let mut together = one_by_one.clone();
        for &key in &keys {
            one_by_one.add(key, 1);
        }
        together.add_all(&mut keys);
        prop_assert_eq!(together, one_by_one);
    }
}
