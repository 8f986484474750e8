//! The kinds of requests that are measured: what browsers and programs send, and injections among them.

use datadog_appsec::HttpRequest;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Requests of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) request: HttpRequest,
    /// Whether the recommended rules find something in it.
    pub(crate) is_attack: bool,
    /// How many of twenty requests are of this kind, where all are mixed.
    pub(crate) share: usize,
}

/// All kinds; those of another number differ a little.
pub(crate) fn all(number: usize) -> Vec<Kind> {
    let kind = |name, share, is_attack, request| Kind {
        name,
        request,
        is_attack,
        share,
    };
    let search = format!("/search?q=desk+lamp+{number}&page=2&sort=price&color=warm%20white");
    let login = format!("user=bob{number}&password=hunter2hunter2&remember=1&next=%2Fcart");
    let sql = format!(
        "/search?q={number}%27%20OR%20%271%27%3D%271%27%20UNION%20SELECT%20password%20FROM%20users--"
    );
    let script = format!(r#"{{"id":{number},"note":"<script>alert(document.cookie)</script>"}}"#);
    let path = format!("user=bob{number}&next=../../../../etc/passwd");
    vec![
        kind("get", 8, false, get(&search)),
        kind("json_1k", 4, false, post("/orders", JSON, order(number))),
        kind("form", 3, false, post("/login", FORM, login)),
        kind(
            "parts",
            2,
            false,
            post(
                "/orders",
                "multipart/form-data; boundary=----b",
                upload(number),
            ),
        ),
        kind("attack_query", 1, true, get(&sql)),
        kind("attack_json", 1, true, post("/orders", JSON, script)),
        kind("attack_form", 1, true, post("/login", FORM, path)),
    ]
}

/// What a browser sends with every request.
fn get(uri: &str) -> HttpRequest {
    let headers = [
        ("host", "shop.example.com"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ),
        (
            "accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        ),
        ("accept-language", "en-US,en;q=0.5"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("referer", "https://shop.example.com/products/7?from=home"),
        ("cookie", "session=5f2b8c1e9d; theme=dark; consent=yes"),
        ("sec-fetch-mode", "navigate"),
        ("x-forwarded-for", "203.0.113.9, 10.0.0.7"),
    ];
    HttpRequest {
        method: "GET".to_owned(),
        uri: uri.to_owned(),
        route: Some("/search".to_owned()),
        client_ip: Some("10.0.0.1:41234".to_owned()),
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        ..HttpRequest::default()
    }
}

fn post(uri: &str, content_type: &str, body: String) -> HttpRequest {
    let mut request = get(uri);
    request.method = "POST".to_owned();
    request.route = Some(uri.to_owned());
    request
        .headers
        .push(("content-type".to_owned(), content_type.to_owned()));
    request
        .headers
        .push(("content-length".to_owned(), body.len().to_string()));
    request.body = Some(body.into_bytes());
    request
}

/// An order of 1 KiB.
fn order(number: usize) -> String {
    let item = |number: usize| {
        format!(
            r#"{{"id":{number},"name":"lamp no. {number}","count":2,"price":12.5,"gift":false}}"#
        )
    };
    let items: Vec<_> = (number + 100..number + 110).map(item).collect();
    let order = format!(
        r#"{{"customer":{{"name":"Ada Byron","city":"London","zip":"W1K 4HN"}},"items":[{}],"note":"#,
        items.join(",")
    );
    let filler = 1024_usize.saturating_sub(order.len() + 3);
    format!(
        r#"{order}"{}"}}"#,
        "please ring twice "
            .repeat(60)
            .get(..filler)
            .unwrap_or_default()
    )
}

fn upload(number: usize) -> String {
    format!(
        "------b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nholiday {number}\r\n\
         ------b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\
         Content-Type: text/plain\r\n\r\n{}\r\n------b--\r\n",
        "some words of a diary, one after the other. ".repeat(20),
    )
}
