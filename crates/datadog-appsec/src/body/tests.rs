//! Bodies of every type, and hostile ones.

use serde_json::{Value as Json, json};

use super::*;
use crate::limits::Limits;

const MAX: usize = 1 << 20;

fn read(content_type: &str, body: &[u8]) -> Result<Body, Skipped> {
    let limits = Limits::default();
    let headers = [("content-type".to_owned(), content_type.to_owned())];
    parse(body, &headers, MAX, &mut Shaper::new(&limits))
}

#[track_caller]
fn check(content_type: &str, body: &str, wanted: Json) {
    let body = read(content_type, body.as_bytes()).unwrap();
    assert_eq!(body.value.to_json(), wanted, "{content_type}");
}

#[test]
fn the_type_says_how_a_body_is_read() {
    for json_type in [
        "application/json",
        "Application/JSON; charset=utf-8",
        "text/json",
        "application/vnd.api+json",
    ] {
        check(json_type, r#"{"a":[1]}"#, json!({"a": [1]}));
    }
    let form = "application/x-www-form-urlencoded";
    check(
        form,
        "key=value&space=%20",
        json!({"key": ["value"], "space": [" "]}),
    );
    check("text/plain", "hello", json!("hello"));
    check("application/xml", "<!DOCTYPE x>", json!("<!DOCTYPE x>"));
    check("image/svg+xml;a=b", "<svg/>", json!("<svg/>"));
    for other in [
        "application/octet-stream",
        "image/png",
        "json",
        "multipart/form-data",
    ] {
        assert_eq!(read(other, b"{}"), Err(Skipped::Unsupported), "{other}");
    }
}

#[test]
fn without_a_type_json_is_recognised() {
    check("", " \r\n[1]", json!([1]));
    check(" ", "{}", json!({}));
    assert_eq!(read("", b"a=b"), Err(Skipped::Unsupported));
    let limits = Limits::default();
    let last = [
        ("A", "x/y"),
        ("Content-Type", "image/png"),
        ("content-type", "text/plain"),
    ];
    let last = last.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let body = parse(b"x", &last, MAX, &mut Shaper::new(&limits));
    assert_eq!(
        body.unwrap().value,
        Value::text("x"),
        "the last type counts"
    );
}

#[test]
fn what_cannot_be_read_is_skipped_with_the_reason() {
    assert_eq!(
        read("application/json", b"{\"a\":"),
        Err(Skipped::Malformed)
    );
    assert_eq!(read("text/plain", b""), Err(Skipped::Empty));
    let limits = Limits::default();
    let mut shaper = Shaper::new(&limits);
    let of = |encoding: &str| {
        [
            ("content-type", "text/plain"),
            ("Content-Encoding", encoding),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    assert_eq!(
        parse(b"x", &of("gzip"), MAX, &mut shaper),
        Err(Skipped::Encoded)
    );
    assert!(parse(b"x", &of("identity"), MAX, &mut shaper).is_ok());
    assert!(parse(b"1234", &of(""), 4, &mut shaper).is_ok());
    assert_eq!(
        parse(b"12345", &of(""), 4, &mut shaper),
        Err(Skipped::TooLarge)
    );
}

const FORM: &str = concat!(
    "preamble\r\n--b--x\r\n",
    "Content-Disposition: form-data; name=\"text\"\r\n\r\nhello\r\nworld\r\n",
    "--b--x\r\n",
    "content-disposition: form-data; name=json\r\nContent-Type: application/json\r\n\r\n{\"a\":[1]}\r\n",
    "--b--x\r\n",
    "Content-Disposition: form-data; name=\"up\\\"load\"; filename=\"a;b.php\"\r\n",
    "Content-Type: application/octet-stream\r\n\r\n<?php ?>\r\n",
    "--b--x\r\n",
    "Content-Disposition: form-data; name=broken\r\nContent-Type: application/json\r\n\r\n{\r\n",
    "--b--x\r\n\r\nno header\r\n",
    "--b--x--\r\nepilogue",
);

#[test]
fn a_form_in_parts_is_read_part_by_part() {
    let body = read(
        "multipart/form-data; x=\"y;z\"; boundary=\"b--x\"",
        FORM.as_bytes(),
    )
    .unwrap();
    let wanted = json!({
        "text": "hello\r\nworld",
        "json": {"a": [1]},
        "up\"load": null,
        "broken": null,
        "": "no header",
    });
    assert_eq!(body.value.to_json(), wanted);
    assert_eq!(body.filenames, [Value::text("a;b.php")]);
    assert_eq!(body.files_content, [Value::text("<?php ?>")]);
}

#[test]
fn a_form_that_was_cut_is_read_as_far_as_it_goes() {
    let cut = "--b\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n--b\r\ncontent-disposition: form-data; name=q\r\n\r\n<scr";
    check(
        "multipart/form-data; boundary=b",
        cut,
        json!({"a": "1", "q": "<scr"}),
    );
    for nothing in [
        "",
        "--c\r\n\r\nx",
        "--b--",
        "--b",
        "--b\r\nno end of headers",
    ] {
        let read = read("multipart/form-data; boundary=b", nothing.as_bytes());
        let wanted = [Err(Skipped::Malformed), Err(Skipped::Empty)];
        assert!(wanted.contains(&read), "{nothing:?}: {read:?}");
    }
}

#[test]
fn a_form_of_a_hundred_thousand_parts_is_bounded() {
    let limits = Limits::default();
    let headers = [(
        "content-type".to_owned(),
        "multipart/form-data; boundary=b".to_owned(),
    )];
    let body = format!("{}--b--", "--b\r\n\r\nx\r\n".repeat(100_000));
    let mut shaper = Shaper::new(&limits);
    let read = parse(body.as_bytes(), &headers, MAX, &mut shaper).unwrap();
    assert_eq!(read.value.count(), 257);
    assert_eq!(shaper.truncated().container, 100_000);
    let file = "--b\r\ncontent-disposition: form-data; name=a; filename=f\r\n\r\nx\r\n";
    let body = format!("{}--b--", file.repeat(10_000));
    let read = parse(body.as_bytes(), &headers, MAX, &mut Shaper::new(&limits)).unwrap();
    assert_eq!((read.filenames.len(), read.files_content.len()), (256, 256));
}

#[test]
fn responses_have_no_parts() {
    let limits = Limits::default();
    let mut shaper = Shaper::new(&limits);
    let mut read = |content_type: &str, body: &[u8]| {
        let headers = [("content-type".to_owned(), content_type.to_owned())];
        parse_response(body, &headers, MAX, &mut shaper)
    };
    let parts = b"--b\r\n\r\nx\r\n--b--";
    let refused = read("multipart/form-data; boundary=b", parts);
    assert_eq!(refused, Err(Skipped::Unsupported));
    assert_eq!(read("text/plain", b"x"), Ok(Value::text("x")));
}

#[test]
fn headers_of_a_part_that_do_not_end_are_no_part() {
    let head = format!("--b\r\nx: {}\r\n\r\nbody\r\n--b--", "y".repeat(17_000));
    let read = read("multipart/form-data; boundary=b", head.as_bytes());
    assert_eq!(read, Err(Skipped::Malformed));
}

#[test]
fn parts_within_parts_are_left_alone() {
    let body = "--b\r\ncontent-disposition: form-data; name=a\r\ncontent-type: multipart/form-data; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--";
    check("multipart/form-data; boundary=b", body, json!({"a": null}));
    let encoded = "--b\r\ncontent-disposition: form-data; name=a\r\ncontent-transfer-encoding: base64\r\n\r\neA==\r\n--b--";
    check(
        "multipart/form-data; boundary=b",
        encoded,
        json!({"a": null}),
    );
}

#[test]
fn a_text_is_cut_and_its_size_remembered() {
    let limits = Limits::default();
    let headers = [("content-type".to_owned(), "text/plain".to_owned())];
    let mut shaper = Shaper::new(&limits);
    let read = parse(&[b'x'; 200_000], &headers, MAX, &mut shaper).unwrap();
    assert_eq!(read.value, Value::Text(vec![b'x'; 4096]));
    assert_eq!(shaper.truncated().text, 200_000);
}

mod properties {
    use proptest::prelude::*;

    use crate::body::checks;

    #[test]
    fn everything_in_the_corpus_is_read_within_the_limits() {
        let corpus =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/appsec_body");
        let mut inputs = 0;
        for file in std::fs::read_dir(corpus).unwrap() {
            checks::any(&std::fs::read(file.unwrap().path()).unwrap());
            inputs += 1;
        }
        assert!(inputs >= 10, "the corpus is where it should be");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_within_the_limits(first in 0_u8..9, bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            checks::any(&[&[first], bytes.as_slice()].concat());
        }

        #[test]
        fn texts_that_look_like_bodies_are_read_within_the_limits(
            first in 0_u8..9,
            text in r#"(--b\r\n|\r\n--b|--|\r\n|\r\n\r\n|name=|filename=|content-disposition: form-data;|content-type: application/json|[\[\]{}:,"0-9a&=%+]|\\){0,120}"#,
        ) {
            checks::any(&[&[first], text.as_bytes()].concat());
        }

        #[test]
        fn texts_that_look_like_heads_are_read_within_the_limits(
            first in 0x80_u8..0x84,
            text in r#"(/a\?|b=|&|%4|%41|\+|\n|x-forwarded-for: |forwarded: |for=|x-mine:|cookie: |;|"|\[::1\]|:80|,|10\.0\.0\.1|8\.8\.8\.8|2001:4860::1|://|#|accept:){0,120}"#,
        ) {
            checks::any(&[&[first], text.as_bytes()].concat());
        }
    }
}
