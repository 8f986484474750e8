//! The verb `patterns` as people script against it.

use std::path::Path;

use super::*;

/// Keys of the figures of a file, and of all.
const NUMBERS: [&str; 8] = [
    "lines",
    "raw_bytes",
    "http_bytes",
    "zstd_stream_bytes",
    "stateful_bytes",
    "patterns",
    "http_seconds",
    "stateful_seconds",
];

async fn patterns(arguments: &[&str]) -> Output {
    let arguments = [&["patterns"], arguments].concat();
    output(program(&arguments, &[])).await
}

async fn report(arguments: &[&str]) -> Value {
    let output = patterns(&[arguments, &["--format", "json"]].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_str(&stdout(&output)).unwrap()
}

fn write(folder: &Path, name: &str, text: &[u8]) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Lines that resemble one another, with what is hard to bring back between them.
fn hard_lines() -> Vec<u8> {
    let mut text = Vec::new();
    for n in 0..2_500 {
        let line = match n % 50 {
            7 => b"\xFF\xFE no UTF-8 \xC3".to_vec(),
            13 => b"\x1b[31m\0red\x1b[0m\r".to_vec(),
            21 => Vec::new(),
            _ => format!("user {n} from 10.0.0.{} took {}.5 ms", n % 200, n % 9).into_bytes(),
        };
        text.extend_from_slice(&line);
        text.extend_from_slice(if n % 3 == 0 { b"\r\n" } else { b"\n" });
    }
    text.extend_from_slice(b"and one without an end");
    text
}

#[tokio::test]
async fn the_report_has_the_keys_that_people_script_against() {
    let folder = tempfile::tempdir().unwrap();
    let first = write(folder.path(), "a.log", &hard_lines());
    let second = write(folder.path(), "b.log", b"one\r\ntwo\n");
    for wire in ["a", "c"] {
        let report = report(&[&first, &second, "--wire", wire]).await;
        let files = report["files"].as_array().unwrap();
        assert_eq!(files.len(), 2);
        assert_eq!(
            (&files[0]["file"], &files[1]["file"]),
            (&first.as_str().into(), &second.as_str().into())
        );
        for figures in [&files[0], &files[1], &report["total"]] {
            assert!(
                NUMBERS.iter().all(|key| figures[key].is_number()),
                "{figures}"
            );
            assert_eq!(figures["lossless"], true, "{figures}");
            let keys = figures.as_object().unwrap().len();
            let has_file = usize::from(figures.get("file").is_some());
            assert_eq!(keys, NUMBERS.len() + 1 + has_file, "{figures}");
        }
        assert!(report["total"].get("file").is_none());
        assert_eq!(files[1]["lines"], 2);
        assert_eq!(files[1]["raw_bytes"], 6);
        assert_eq!(report["total"]["lines"], 2_501 + 2);
        let sum = |key: &str| {
            files
                .iter()
                .map(|file| file[key].as_u64().unwrap())
                .sum::<u64>()
        };
        for key in [
            "http_bytes",
            "zstd_stream_bytes",
            "stateful_bytes",
            "patterns",
        ] {
            assert_eq!(report["total"][key].as_u64(), Some(sum(key)), "{key}");
        }
    }
}

/// Objects in their canonical form, and some that are not.
fn objects() -> Vec<u8> {
    let line = |n: usize| {
        let space = if n.is_multiple_of(17) { " " } else { "" };
        let took = n * 31 % 400;
        format!(
            "{{\"level\":\"info\",\"message\":\"user {n} has come\",\"path\":\"/shop/{}\",{space}\"took_ms\":{took}}}\n",
            n % 40
        )
    };
    (0..2_500).map(line).collect::<String>().into_bytes()
}

#[tokio::test]
async fn objects_come_back_whatever_becomes_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.log", &objects());
    let mut bytes = Vec::new();
    for json in ["text", "columns", "raw"] {
        for wire in ["a", "c"] {
            let report = report(&[&file, "--json", json, "--wire", wire]).await;
            let total = &report["total"];
            assert_eq!(total["lossless"], true, "{json} {wire}: {total}");
            assert_eq!(total["lines"], 2_500);
            bytes.push(total["stateful_bytes"].as_u64().unwrap());
        }
    }
    let [text, text_c, columns, columns_c, raw, _] = bytes[..] else {
        panic!("{bytes:?}");
    };
    assert!(columns != text && columns_c != text_c, "{bytes:?}");
    assert!(text < raw && columns < raw && columns_c < raw, "{bytes:?}");
}

#[tokio::test]
async fn smaller_batches_cost_more_and_the_stream_remembers() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.log", &hard_lines());
    let bytes = |report: &Value, key: &str| report["total"][key].as_u64().unwrap();
    let large = report(&[&file]).await;
    let small = report(&[&file, "--batch-logs", "10"]).await;
    assert!(
        bytes(&small, "http_bytes") > 2 * bytes(&large, "http_bytes"),
        "{small} {large}"
    );
    assert!(
        bytes(&small, "zstd_stream_bytes") < bytes(&small, "http_bytes"),
        "{small}"
    );
    let harder = report(&[&file, "--level", "19"]).await;
    assert!(
        bytes(&harder, "http_bytes") < bytes(&large, "http_bytes"),
        "{harder} {large}"
    );
}

#[tokio::test]
async fn each_line_has_an_assignment_and_files_share_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.log", &hard_lines());
    let out = folder.path().join("ids");
    let ids = || std::fs::read_to_string(&out).unwrap();
    report(&[&file, &file, "--assignments", out.to_str().unwrap()]).await;
    let text = ids();
    let numbers: Vec<u64> = text.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(numbers.len(), 2 * 2_501);
    let (first, second) = numbers.split_at(2_501);
    let offset = first.iter().max().unwrap();
    assert!(
        first.iter().zip(second).all(|(a, b)| a + offset == *b),
        "the same file gives the same patterns"
    );
}

#[tokio::test]
async fn standard_input_is_a_file_and_an_empty_one_is_no_mistake() {
    let mut child = program(&["patterns", "-", "--format", "json"], &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"a\r\n\nb").unwrap();
    let output = tokio::task::spawn_blocking(|| child.wait_with_output().unwrap())
        .await
        .unwrap();
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(
        (&report["files"][0]["file"], &report["total"]["lines"]),
        (&"-".into(), &3.into())
    );
    assert_eq!(report["total"]["raw_bytes"], 2);

    let folder = tempfile::tempdir().unwrap();
    let empty = write(folder.path(), "empty.log", b"");
    let report = self::report(&[&empty]).await;
    assert_eq!(
        (&report["total"]["lines"], &report["total"]["lossless"]),
        (&0.into(), &true.into())
    );
    let text = patterns(&[&empty]).await;
    assert_eq!(text.status.code(), Some(0));
    assert!(
        stdout(&text).contains("0 lines in 0 patterns"),
        "{}",
        stdout(&text)
    );
}

#[tokio::test]
async fn people_see_patterns_and_nothing_that_their_terminal_obeys() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.log", &hard_lines());
    let output = patterns(&[&file, "--sort", "saved", "--top", "3"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = stdout(&output);
    assert!(text.contains("2,501 lines in "), "{text}");
    assert!(text.contains("e.g. user "), "{text}");
    assert!(
        text.contains("every line came back byte for byte"),
        "{text}"
    );
    assert!(
        text.chars().all(|c| c == '\n' || !c.is_control()),
        "{text:?}"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_read_is_named_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let good = write(folder.path(), "a.log", b"a\n");
    let missing = folder.path().join("missing.log");
    for bad in [missing.as_path(), folder.path()] {
        let bad = bad.to_str().unwrap();
        let output = patterns(&[&good, bad, "--format", "json"]).await;
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        let text = stderr(&output);
        assert!(
            text.starts_with("error: ") && text.contains(bad) && text.lines().count() == 1,
            "{text}"
        );
    }
    for wrong in [
        ["--batch-logs", "0"],
        ["--level", "23"],
        ["--wire", "b"],
        ["--json", "yes"],
    ] {
        let output = patterns(&[&good, wrong[0], wrong[1]]).await;
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
}
