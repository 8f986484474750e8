//! The page: served from the program or from a folder, and from nowhere else.

use datadog_dev_intake::Intake;

use crate::client::{get, send};

#[tokio::test]
async fn the_page_is_served_with_a_strict_policy() {
    let intake = Intake::start().await;

    let page = get(&intake, "/").await;

    assert_eq!(
        (page.status, &page.headers["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert_eq!(page.headers["cache-control"], "no-cache");
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'self';"), "{policy}");
    assert_eq!(get(&intake, "/ui/index.html").await.body, page.body);
    assert_eq!(send(&intake, "HEAD", "/", &[], "").await.status, 200);
}

#[tokio::test]
async fn only_files_of_the_page_are_served() {
    let intake = Intake::start().await;
    for path in [
        "/ui/",
        "/ui/nope.js",
        "/ui/../lib.rs",
        "/ui/..%2flib.rs",
        "/favicon.ico",
    ] {
        assert_eq!(get(&intake, path).await.status, 404, "{path}");
    }
    assert_eq!(
        send(&intake, "POST", "/ui/index.html", &[], "")
            .await
            .status,
        405
    );
    assert!(intake.raw_requests().is_empty());
}

#[tokio::test]
async fn a_folder_takes_the_place_of_the_files_compiled_in() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("index.html"), "<p>mine").unwrap();
    std::fs::write(dir.path().join("a.js"), "1").unwrap();
    std::fs::write(dir.path().join("a.css"), "p{}").unwrap();
    std::fs::write(dir.path().join("a.svg"), "<svg/>").unwrap();
    let intake = Intake::builder().ui_dir(dir.path()).start().await.unwrap();

    assert_eq!(get(&intake, "/").await.text(), "<p>mine");
    for (name, content_type) in [
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.svg", "image/svg+xml"),
    ] {
        assert_eq!(
            get(&intake, &format!("/ui/{name}")).await.headers["content-type"],
            content_type
        );
    }
    assert_eq!(get(&intake, "/ui/none.js").await.status, 404);
}

#[tokio::test]
async fn a_hint_is_in_the_summary() {
    let intake = Intake::start().await;
    assert!(intake.summary()["hint"].is_null());
    intake.set_hint("curl …");
    assert_eq!(
        get(&intake, "/inspect/summary").await.json()["hint"],
        "curl …"
    );
}
