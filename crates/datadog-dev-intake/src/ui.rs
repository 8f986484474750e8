//! The page: static files, compiled in.
//!
//! Knows no network path and builds nothing; what the browser gets is what stands in `ui/`.

use std::path::Path;

use bytes::Bytes;

/// Every file in `ui/` with its name; a test compares this list with the folder.
const FILES: &[(&str, &[u8])] = &[
    ("api.js", include_bytes!("ui/api.js")),
    ("app.js", include_bytes!("ui/app.js")),
    ("connection.js", include_bytes!("ui/connection.js")),
    ("details.js", include_bytes!("ui/details.js")),
    ("dom.js", include_bytes!("ui/dom.js")),
    ("drawer.js", include_bytes!("ui/drawer.js")),
    ("explorer.js", include_bytes!("ui/explorer.js")),
    ("facets.js", include_bytes!("ui/facets.js")),
    ("faults.js", include_bytes!("ui/faults.js")),
    ("format.js", include_bytes!("ui/format.js")),
    ("happenings.js", include_bytes!("ui/happenings.js")),
    ("header.js", include_bytes!("ui/header.js")),
    ("histogram.js", include_bytes!("ui/histogram.js")),
    ("icon.svg", include_bytes!("ui/icon.svg")),
    ("icons.js", include_bytes!("ui/icons.js")),
    ("index.html", include_bytes!("ui/index.html")),
    ("json-tree.js", include_bytes!("ui/json-tree.js")),
    ("line-chart.js", include_bytes!("ui/line-chart.js")),
    ("live-view.js", include_bytes!("ui/live-view.js")),
    ("log-record.js", include_bytes!("ui/log-record.js")),
    ("logs.js", include_bytes!("ui/logs.js")),
    ("metric-model.js", include_bytes!("ui/metric-model.js")),
    ("metrics.js", include_bytes!("ui/metrics.js")),
    ("notice.js", include_bytes!("ui/notice.js")),
    ("open-streams.js", include_bytes!("ui/open-streams.js")),
    ("patterns.js", include_bytes!("ui/patterns.js")),
    ("query.js", include_bytes!("ui/query.js")),
    ("rate.js", include_bytes!("ui/rate.js")),
    (
        "remote-config-form.js",
        include_bytes!("ui/remote-config-form.js"),
    ),
    ("remote-config.js", include_bytes!("ui/remote-config.js")),
    ("request-record.js", include_bytes!("ui/request-record.js")),
    ("requests.js", include_bytes!("ui/requests.js")),
    ("reset.js", include_bytes!("ui/reset.js")),
    ("results.js", include_bytes!("ui/results.js")),
    ("search-box.js", include_bytes!("ui/search-box.js")),
    ("security-list.js", include_bytes!("ui/security-list.js")),
    ("signal-reader.js", include_bytes!("ui/signal-reader.js")),
    ("span-details.js", include_bytes!("ui/span-details.js")),
    ("span-security.js", include_bytes!("ui/span-security.js")),
    ("store.js", include_bytes!("ui/store.js")),
    ("style.css", include_bytes!("ui/style.css")),
    ("table.js", include_bytes!("ui/table.js")),
    ("theme-boot.js", include_bytes!("ui/theme-boot.js")),
    ("theme.js", include_bytes!("ui/theme.js")),
    ("trace-format.js", include_bytes!("ui/trace-format.js")),
    ("trace-model.js", include_bytes!("ui/trace-model.js")),
    ("trace-stats.js", include_bytes!("ui/trace-stats.js")),
    ("traces.js", include_bytes!("ui/traces.js")),
    ("waterfall.js", include_bytes!("ui/waterfall.js")),
    ("welcome.js", include_bytes!("ui/welcome.js")),
];

/// The file `name`, from `dir` if one is given, else from the program itself.
pub(crate) async fn file(name: &str, dir: Option<&Path>) -> Option<Bytes> {
    match dir {
        None => FILES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, body)| Bytes::from_static(body)),
        Some(dir) if is_plain(name) => tokio::fs::read(dir.join(name)).await.ok().map(Bytes::from),
        Some(_) => None,
    }
}

/// Whether `name` names a file of the folder itself, not one above or below it.
fn is_plain(name: &str) -> bool {
    !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

/// The content type of a file by its ending.
pub(crate) fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_compiled_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui");
        let mut on_disk: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut listed: Vec<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        on_disk.sort();
        listed.sort();
        assert_eq!(listed, on_disk);
    }

    #[test]
    fn a_name_cannot_leave_the_folder() {
        for name in [
            "../lib.rs",
            "..",
            "/etc/passwd",
            "a/b.js",
            "a\\b.js",
            "%2e%2e",
            ".hidden",
        ] {
            assert!(!is_plain(name), "{name}");
        }
        assert!(is_plain("theme-boot.js"));
    }
}
