//! The page: static files, compiled in.
//!
//! Knows no network path and builds nothing; what the browser gets is what stands in `ui/`.

use std::path::Path;

use bytes::Bytes;

/// One file of the page.
struct File {
    name: &'static str,
    body: &'static [u8],
}

/// Every file in `ui/`; a test compares this list with the folder.
const FILES: &[File] = &[File {
    name: "index.html",
    body: include_bytes!("ui/index.html"),
}];

/// The file `name`, from `dir` if one is given, else from the program itself.
pub(crate) async fn file(name: &str, dir: Option<&Path>) -> Option<Bytes> {
    match dir {
        None => FILES
            .iter()
            .find(|file| file.name == name)
            .map(|file| Bytes::from_static(file.body)),
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
        let mut listed: Vec<String> = FILES.iter().map(|file| file.name.to_owned()).collect();
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
