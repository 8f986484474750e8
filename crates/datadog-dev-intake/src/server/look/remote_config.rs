//! Looks into what an agent asks of remote configuration.

use datadog_wire::remote_config::{CONTENT_TYPE, LatestConfigsRequest};
use hyper::StatusCode;
use prost::Message as _;

use super::{Looked, media_type, raw_body, status_of_keyless, status_of_undecoded};
use crate::problem::What;
use crate::product::{Product, Seen};
use crate::remote_config::{self, Call, Dislike};
use crate::server::Shared;
use crate::store::Received;

/// Bytes of a poll, as sent and decompressed.
pub(super) const MAX_POLL_BYTES: usize = 16 << 20;

/// A question about remote configuration that can be answered.
#[derive(Debug)]
pub(in crate::server) enum Asked {
    Configurations(Box<LatestConfigsRequest>),
    Org,
    Status,
}

/// What an agent asks of remote configuration is answered if it can be read, whatever else is wrong with it.
pub(super) fn look(
    call: Call,
    received: &mut Received,
    undecoded: Option<What>,
    shared: &Shared,
) -> Looked {
    received.seen = Some(Seen::only(Product::RemoteConfig));
    let keyless = status_of_keyless(received, shared);
    let mut looked = match (call, undecoded) {
        (_, Some(what)) => Looked::with_status(status_of_undecoded(what)),
        (Call::Org, None) => asking(Asked::Org),
        (Call::Status, None) => asking(Asked::Status),
        (Call::Configurations, None) => look_at_poll(received, shared),
    };
    looked.status = keyless.unwrap_or(looked.status);
    looked
}

fn asking(asked: Asked) -> Looked {
    Looked {
        asked: Some(asked),
        ..Looked::with_status(StatusCode::OK)
    }
}

fn look_at_poll(received: &mut Received, shared: &Shared) -> Looked {
    let raw = raw_body(received);
    let problems = &mut received.problems;
    if !media_type(&received.headers).eq_ignore_ascii_case(CONTENT_TYPE) {
        problems.add(What::RemoteConfig(Dislike::NotProtobuf));
    }
    match LatestConfigsRequest::decode(&raw[..]) {
        Ok(request) => {
            let now_ms = received.received_at_ms;
            remote_config::check::check(&shared.remote_config(), &request, now_ms, problems);
            received.items = Some(request.active_clients.len());
            asking(Asked::Configurations(Box::new(request)))
        }
        Err(error) => {
            problems.add_detail(What::Malformed, error);
            Looked::with_status(StatusCode::BAD_REQUEST)
        }
    }
}
