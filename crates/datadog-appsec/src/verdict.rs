//! What should become of a request: go on, or be answered here.
//!
//! Decides nothing about requests: it reads what the rules ask for, and writes the answer in the form that the client
//! takes. Blocking takes place only where somebody obeys the verdict.

use std::path::Path;

use serde_json::{Value as Json, json};

use crate::engine::Action;
use crate::error::Error;
use crate::rules::read_file;

/// Bytes of a page for blocked requests.
const MAX_TEMPLATE_BYTES: u64 = 1 << 20;
/// What pages have in the place of the id that users can quote.
const ID_PLACE: &str = "[security_response_id]";
/// Answered when rules say no other status.
const FORBIDDEN: u16 = 403;
/// Of gRPC: aborted.
const ABORTED: u16 = 10;
/// Answered when a redirection has no status of one.
const SEE_OTHER: u16 = 303;

const HTML: &str = "text/html";
const JSON: &str = "application/json";

const HTML_PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Request refused</title></head>\n<body>\n<h1>This request was refused</h1>\n<p>It looked like an attack. If it was none, tell those who run this site, with this number:</p>\n<p><code>[security_response_id]</code></p>\n</body>\n</html>\n";
const JSON_PAGE: &str = "{\"errors\":[{\"title\":\"Request refused\",\"detail\":\"It looked like an attack. If it was none, tell those who run this service, with the number beside.\"}],\"security_response_id\":\"[security_response_id]\"}";

/// What should become of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WafVerdict {
    /// It goes on.
    #[default]
    Allow,
    /// It is answered with a page.
    Block(Block),
    /// It is sent elsewhere.
    Redirect(Redirect),
}

/// An answer to a request that does not go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Status of HTTP.
    pub status: u16,
    /// Status of gRPC, for those who speak it.
    pub grpc_status: u16,
    /// Type of the body; none if there is no body.
    pub content_type: Option<&'static str>,
    /// Body, empty if rules ask for none.
    pub body: String,
    /// What the event carries too; empty if the engine gave none.
    pub security_response_id: String,
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// From 300 to 399.
    pub status: u16,
    /// Where to.
    pub location: String,
    /// What the event carries too; empty if the engine gave none.
    pub security_response_id: String,
}

impl WafVerdict {
    /// The status that the client is answered with, if the request does not go on.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Allow => None,
            Self::Block(block) => Some(block.status),
            Self::Redirect(redirect) => Some(redirect.status),
        }
    }
}

/// The pages for blocked requests.
#[derive(Debug, Clone)]
pub struct Templates {
    html: String,
    json: String,
}

impl Default for Templates {
    fn default() -> Self {
        Self {
            html: HTML_PAGE.to_owned(),
            json: JSON_PAGE.to_owned(),
        }
    }
}

impl Templates {
    /// Reads the user's pages; the built-in ones where no file is given.
    ///
    /// # Errors
    /// When a file cannot be read or is larger than 1 MiB.
    pub fn load(html: Option<&Path>, json: Option<&Path>) -> Result<Self, Error> {
        let mut templates = Self::default();
        let read = |path: &Path| {
            let bytes = read_file(path, MAX_TEMPLATE_BYTES)?;
            Ok::<_, Error>(String::from_utf8_lossy(&bytes).into_owned())
        };
        if let Some(path) = html {
            templates.html = read(path)?;
        }
        if let Some(path) = json {
            templates.json = read(path)?;
        }
        Ok(templates)
    }

    /// What the actions of an evaluation come to, for a client that accepts these types.
    pub(crate) fn verdict(&self, actions: &[Action], accept: &str) -> WafVerdict {
        let find = |kind: &str| actions.iter().find(|action| action.kind == kind);
        if let Some(action) = find("block_request") {
            return WafVerdict::Block(self.block(&action.parameters, accept));
        }
        find("redirect_request").map_or(WafVerdict::Allow, |action| {
            self.redirect(&action.parameters, accept)
        })
    }

    fn block(&self, parameters: &Json, accept: &str) -> Block {
        let id = text(parameters, "security_response_id");
        let (content_type, template) = match text(parameters, "type") {
            "none" => (None, ""),
            "html" => (Some(HTML), self.html.as_str()),
            "json" => (Some(JSON), self.json.as_str()),
            _ if accept.to_ascii_lowercase().contains(HTML) => (Some(HTML), self.html.as_str()),
            _ => (Some(JSON), self.json.as_str()),
        };
        let status = number(parameters, "status_code").filter(|status| (200..600).contains(status));
        Block {
            status: status.unwrap_or(FORBIDDEN),
            grpc_status: number(parameters, "grpc_status_code").unwrap_or(ABORTED),
            content_type,
            body: template.replace(ID_PLACE, id),
            security_response_id: id.to_owned(),
        }
    }

    fn redirect(&self, parameters: &Json, accept: &str) -> WafVerdict {
        let id = text(parameters, "security_response_id");
        let location = text(parameters, "location");
        // A line break would let rules write headers.
        if location.is_empty() || location.chars().any(char::is_control) {
            let plain = json!({ "security_response_id": id });
            return WafVerdict::Block(self.block(&plain, accept));
        }
        let status = number(parameters, "status_code").filter(|status| (300..400).contains(status));
        WafVerdict::Redirect(Redirect {
            status: status.unwrap_or(SEE_OTHER),
            location: location.replace(ID_PLACE, id),
            security_response_id: id.to_owned(),
        })
    }
}

fn text<'a>(parameters: &'a Json, name: &str) -> &'a str {
    parameters.get(name).and_then(Json::as_str).unwrap_or("")
}

/// A number, which some rules write as a text.
fn number(parameters: &Json, name: &str) -> Option<u16> {
    let value = parameters.get(name)?;
    let number = value.as_u64().and_then(|number| u16::try_from(number).ok());
    number.or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(kind: &str, parameters: Json, accept: &str) -> WafVerdict {
        let action = Action {
            kind: kind.to_owned(),
            parameters,
        };
        Templates::default().verdict(&[action], accept)
    }

    fn block(parameters: Json, accept: &str) -> Block {
        match verdict("block_request", parameters, accept) {
            WafVerdict::Block(block) => block,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_browser_gets_a_page_and_a_program_gets_json() {
        let parameters = json!({"status_code": 403, "type": "auto", "grpc_status_code": 10, "security_response_id": "u-1"});
        let page = block(parameters.clone(), "text/HTML,*/*");
        assert_eq!((page.status, page.grpc_status), (403, 10));
        assert_eq!(page.content_type, Some("text/html"));
        assert!(page.body.contains("<code>u-1</code>"));
        let answer = block(parameters, "*/*");
        assert_eq!(answer.content_type, Some("application/json"));
        let body: Json = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body["security_response_id"], "u-1");
        assert_eq!(body["errors"][0]["title"], "Request refused");
    }

    #[test]
    fn rules_may_choose_status_and_form() {
        let html = block(json!({"status_code": "429", "type": "html"}), "");
        assert_eq!((html.status, html.content_type), (429, Some("text/html")));
        let none = block(json!({"status_code": 70_000, "type": "none"}), "text/html");
        assert_eq!(
            (none.status, none.content_type, none.body.as_str()),
            (403, None, "")
        );
    }

    #[test]
    fn a_redirection_needs_a_place_and_a_status() {
        let redirect = |parameters| verdict("redirect_request", parameters, "");
        let to = |status, location: &str| {
            WafVerdict::Redirect(Redirect {
                status,
                location: location.to_owned(),
                security_response_id: "u".to_owned(),
            })
        };
        let with = |status, location| json!({"status_code": status, "location": location, "security_response_id": "u"});
        assert_eq!(
            redirect(with(302, "/no?id=[security_response_id]")),
            to(302, "/no?id=u")
        );
        assert_eq!(redirect(with(200, "/no")), to(303, "/no"));
        for nowhere in ["", "/a\r\nx: y"] {
            assert_eq!(
                redirect(with(302, nowhere)).status(),
                Some(403),
                "{nowhere:?}"
            );
        }
    }

    #[test]
    fn other_actions_let_a_request_go_on() {
        assert_eq!(
            verdict("generate_stack", json!({"stack_id": "s"}), ""),
            WafVerdict::Allow
        );
        assert_eq!(Templates::default().verdict(&[], ""), WafVerdict::Allow);
    }

    #[test]
    fn the_users_pages_take_the_place_of_ours() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("page");
        std::fs::write(&page, "no: [security_response_id]").unwrap();
        let templates = Templates::load(None, Some(&page)).unwrap();
        let block = templates.block(&json!({"security_response_id": "7"}), "");
        assert_eq!(block.body, "no: 7");
        assert!(Templates::load(Some(&folder.path().join("none")), None).is_err());
    }
}
