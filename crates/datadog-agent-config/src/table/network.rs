//! Keys of the subject *Network*.

use super::{Class, Default, Key, Pipeline, put};
use crate::kind::{Kind, Outside};

const BASE: Key = Key::of(Pipeline::Network);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "proxy.https",
        env: &["DD_PROXY_HTTPS", "HTTPS_PROXY", "https_proxy"],
        deprecated: &["DD_HTTPS_PROXY"],
        kind: Kind::Proxy,
        class: Class::Security,
        secret: true,
        doc: "Proxy for `https://` intakes; without scheme it is an `http://` proxy, and it may carry user and password.",
        set: |config, value| put(&mut config.proxy_https, value),
        ..BASE
    },
    Key {
        name: "proxy.http",
        env: &["DD_PROXY_HTTP", "HTTP_PROXY", "http_proxy"],
        deprecated: &["DD_HTTP_PROXY"],
        kind: Kind::Proxy,
        class: Class::Security,
        secret: true,
        doc: "Proxy for `http://` targets.",
        set: |config, value| put(&mut config.proxy_http, value),
        ..BASE
    },
    Key {
        name: "proxy.no_proxy",
        env: &["DD_PROXY_NO_PROXY", "NO_PROXY", "no_proxy"],
        kind: Kind::Hosts,
        default: Default::Text(""),
        doc: "Hosts, domains, addresses and networks that are reached without a proxy.",
        set: |config, value| put(&mut config.proxy_no_proxy, value),
        ..BASE
    },
    Key {
        name: "no_proxy_nonexact_match",
        env: &[
            "DD_NO_PROXY_NONEXACT_MATCH",
            "DD_PROXY_NO_PROXY_NONEXACT_MATCH",
        ],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Lets an item of `proxy.no_proxy` cover subdomains and networks; `false` compares host names exactly.",
        set: |config, value| put(&mut config.no_proxy_nonexact_match, value),
        ..BASE
    },
    Key {
        name: "use_proxy_for_cloud_metadata",
        env: &["DD_USE_PROXY_FOR_CLOUD_METADATA"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "When `false`, 169.254.169.254 and 100.100.100.200 are added to `proxy.no_proxy`.",
        set: |config, value| put(&mut config.use_proxy_for_cloud_metadata, value),
        ..BASE
    },
    Key {
        name: "http_protocol",
        env: &["DD_HTTP_PROTOCOL"],
        kind: Kind::Choice(&["auto", "http1", "http2"]),
        default: Default::Described("`auto`"),
        class: Class::Fatal,
        doc: "HTTP version towards the intakes; `auto` negotiates it, and uses HTTP/1.1 through a proxy.",
        set: |config, value| put(&mut config.http_protocol, value),
        ..BASE
    },
    Key {
        name: "tls_cert_file",
        env: &["DD_TLS_CERT_FILE", "SSL_CERT_FILE"],
        kind: Kind::Path,
        class: Class::Security,
        doc: "PEM file with root certificates besides those of the platform.",
        set: |config, value| put(&mut config.tls_cert_file, value),
        ..BASE
    },
    Key {
        name: "skip_ssl_validation",
        env: &["DD_SKIP_SSL_VALIDATION"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Sends to intakes without checking their certificate.",
        set: |config, value| put(&mut config.skip_ssl_validation, value),
        ..BASE
    },
    Key {
        name: "min_tls_version",
        env: &["DD_MIN_TLS_VERSION"],
        kind: Kind::Choice(&["tlsv1.2", "tlsv1.3"]),
        default: Default::Text("tlsv1.2"),
        class: Class::Fatal,
        doc: "Oldest TLS version that is spoken.",
        set: |config, value| put(&mut config.min_tls_version, value),
        ..BASE
    },
    Key {
        name: "dd_url",
        env: &["DD_DD_URL"],
        kind: Kind::Url,
        class: Class::Fatal,
        doc: "Base URL of the metrics intake; wins over `url`.",
        set: |config, value| put(&mut config.dd_url, value),
        ..BASE
    },
    Key {
        name: "url",
        env: &["DD_URL"],
        kind: Kind::Url,
        class: Class::Fatal,
        doc: "Older spelling of `dd_url`.",
        set: |config, value| put(&mut config.url, value),
        ..BASE
    },
    Key {
        name: "additional_endpoints",
        env: &["DD_ADDITIONAL_ENDPOINTS"],
        kind: Kind::KeysByUrl,
        default: Default::Text("{}"),
        class: Class::Fatal,
        pipeline: Pipeline::Metrics,
        secret: true,
        doc: "Further metrics intakes with their keys.",
        set: |config, value| put(&mut config.additional_endpoints, value),
        ..BASE
    },
    Key {
        name: "compression_level",
        env: &["DD_COMPRESSION_LEVEL"],
        kind: Kind::Int {
            min: 1,
            max: 19,
            outside: Outside::Clamp,
        },
        default: Default::Text("3"),
        doc: "zstd level of every pipeline that has no level of its own.",
        set: |config, value| put(&mut config.compression_level, value),
        ..BASE
    },
    Key {
        name: "convert_dd_site_fqdn_enabled",
        env: &["DD_CONVERT_DD_SITE_FQDN_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Ends host names made from `site` with a dot, which saves searches in DNS.",
        set: |config, value| put(&mut config.convert_dd_site_fqdn_enabled, value),
        ..BASE
    },
];
