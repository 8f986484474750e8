//! The table as a person sees it.

use super::super::findings::{Facts, Values};
use super::*;

fn options() -> Options {
    Options::of_files(&["a.log"])
}

fn figures() -> Figures {
    Figures {
        lines: 12_345,
        raw_bytes: 1_500_000,
        http_bytes: 200_000,
        zstd_stream_bytes: 180_000,
        stateful_bytes: 150_000,
        patterns: 3,
        lossless: true,
        http_time: Duration::from_millis(10),
        stateful_time: Duration::from_millis(8),
    }
}

fn found() -> Found {
    Found {
        parts: vec![
            Part::Literal(b"user ".to_vec()),
            Part::Variable("number"),
            Part::Literal(b" from ".to_vec()),
            Part::Variable("ip"),
        ],
        facts: Facts {
            lines: 12_000,
            raw_bytes: 900_000,
            stream_bytes: 300_000,
            example: b"user 17 from \x1b[1m10.0.0.1".to_vec(),
        },
        values: vec![Values::default(), Values::default()],
    }
}

fn text(figures: Figures, found: Vec<Found>, width: usize) -> String {
    let measured = Measured {
        figures,
        found,
        assignments: Vec::new(),
    };
    to_text(
        &[("a.log".to_owned(), measured)],
        &figures,
        &options(),
        Some(width),
    )
}

#[test]
fn a_file_has_its_totals_and_then_its_patterns() {
    let odd = Found {
        parts: Vec::new(),
        facts: Facts {
            lines: 1,
            raw_bytes: 5,
            stream_bytes: 12,
            example: b"x".to_vec(),
        },
        values: Vec::new(),
    };
    let expected = "\
a.log
  12,345 lines in 3 patterns, 1.50 MB
  HTTP          200.0 kB  100.0 %    0.010 s    150 MB/s
  zstd stream   180.0 kB   90.0 %
  stateful      150.0 kB   75.0 %    0.008 s    188 MB/s
  the stateful stream sends 50.0 kB less than HTTP in 80 % of its time; every line came back byte for byte (1,000 logs a batch, zstd 3)

  saved = bytes of lines - bytes of their logs in the stream (uncompressed, without definitions)

     lines   share      saved  pattern
    12,000  97.2 %   600.0 kB  user <number> from <ip>
                               e.g. user 17 from \\u{1b}[1m10.0.0.1
                               values:  <number> 0  <ip> 0
         1   0.0 %       -7 B  (too few alike for a pattern)
                               e.g. x
       344   2.8 %             in 1 more, see --top";
    assert_eq!(text(figures(), vec![found(), odd], 120), expected);
}

#[test]
fn rows_of_the_table_keep_to_the_width_of_the_terminal() {
    let text = text(figures(), vec![found()], 60);
    let table = text.rsplit_once("\n\n").unwrap().1;
    assert!(
        table.lines().all(|line| line.chars().count() <= 60),
        "{table}"
    );
    assert!(table.contains("e.g. user 17 from \\u{1b}[1m1…"), "{table}");
}

#[test]
fn an_empty_file_divides_nothing_by_nothing() {
    let text = text(Figures::nothing(), Vec::new(), 80);
    assert!(text.contains("0 lines in 0 patterns, 0 B\n"), "{text}");
    assert!(text.contains("stateful           0 B        –\n"), "{text}");
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
}

#[test]
fn a_loss_is_said_before_anything_else() {
    let lost = Figures {
        lossless: false,
        ..figures()
    };
    let text = text(lost, Vec::new(), 80);
    assert!(
        text.contains("NOT LOSSLESS") && !text.contains("byte for byte"),
        "{text}"
    );
}
