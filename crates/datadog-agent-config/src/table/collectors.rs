//! Keys of the subject *Log collectors*.

use super::{Default, Key, Pipeline, put};
use crate::kind::{DAY, HOUR, Kind, MILLISECOND, Outside, SECOND, Unit};

const BASE: Key = Key::of(Pipeline::Collectors);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "logs_config.run_path",
        env: &["DD_LOGS_CONFIG_RUN_PATH"],
        kind: Kind::Path,
        default: Default::Text("/opt/datadog-agent-native/run"),
        doc: "Directory of the registry that remembers how far each source was read.",
        set: |config, value| put(&mut config.logs_config_run_path, value),
        ..BASE
    },
    Key {
        name: "logs_config.open_files_limit",
        env: &["DD_LOGS_CONFIG_OPEN_FILES_LIMIT"],
        kind: Kind::Int {
            min: 1,
            max: 1000000,
            outside: Outside::Refuse,
        },
        default: Default::Described("`500`; `200` on macOS"),
        doc: "Files that are tailed at once.",
        set: |config, value| put(&mut config.logs_config_open_files_limit, value),
        ..BASE
    },
    Key {
        name: "logs_config.file_scan_period",
        env: &["DD_LOGS_CONFIG_FILE_SCAN_PERIOD"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("10"),
        doc: "How often globs are looked through for new files.",
        set: |config, value| put(&mut config.logs_config_file_scan_period, value),
        ..BASE
    },
    Key {
        name: "logs_config.file_wildcard_selection_mode",
        env: &["DD_LOGS_CONFIG_FILE_WILDCARD_SELECTION_MODE"],
        kind: Kind::Choice(&["by_name", "by_modification_time"]),
        default: Default::Text("by_name"),
        doc: "Which files come first when a glob matches more than may be open.",
        set: |config, value| put(&mut config.logs_config_file_wildcard_selection_mode, value),
        ..BASE
    },
    Key {
        name: "logs_config.close_timeout",
        env: &["DD_LOGS_CONFIG_CLOSE_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Seconds,
            min: MILLISECOND,
            max: DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("60"),
        doc: "How long a rotated file stays open after its end was reached.",
        set: |config, value| put(&mut config.logs_config_close_timeout, value),
        ..BASE
    },
    Key {
        name: "logs_config.auditor_ttl",
        env: &["DD_LOGS_CONFIG_AUDITOR_TTL"],
        kind: Kind::Span {
            bare: Unit::Hours,
            min: SECOND,
            max: 365 * DAY,
            outside: Outside::Refuse,
        },
        default: Default::Text("23"),
        doc: "How long the registry remembers a source that is gone; a bare number is hours.",
        set: |config, value| put(&mut config.logs_config_auditor_ttl, value),
        ..BASE
    },
    Key {
        name: "logs_config.frame_size",
        env: &["DD_LOGS_CONFIG_FRAME_SIZE"],
        kind: Kind::Bytes {
            min: 1,
            max: 65_535,
            outside: Outside::Refuse,
        },
        default: Default::Text("9000"),
        doc: "Largest UDP datagram that is read.",
        set: |config, value| put(&mut config.logs_config_frame_size, value),
        ..BASE
    },
    Key {
        name: "logs_config.aggregation_timeout",
        env: &["DD_LOGS_CONFIG_AGGREGATION_TIMEOUT"],
        kind: Kind::Span {
            bare: Unit::Millis,
            min: MILLISECOND,
            max: HOUR,
            outside: Outside::Refuse,
        },
        default: Default::Text("1000"),
        doc: "How long an unfinished multi-line group waits for its next line; a bare number is milliseconds.",
        set: |config, value| put(&mut config.logs_config_aggregation_timeout, value),
        ..BASE
    },
    Key {
        name: "logs_config.use_sourcehost_tag",
        env: &["DD_LOGS_CONFIG_USE_SOURCEHOST_TAG"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Adds `source_host:<ip>` to logs from TCP and UDP.",
        set: |config, value| put(&mut config.logs_config_use_sourcehost_tag, value),
        ..BASE
    },
    Key {
        name: "logs_config.tag_truncated_logs",
        env: &["DD_LOGS_CONFIG_TAG_TRUNCATED_LOGS"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Adds `truncated:<reason>` to lines that were cut.",
        set: |config, value| put(&mut config.logs_config_tag_truncated_logs, value),
        ..BASE
    },
    Key {
        name: "logs_config.tag_multi_line_logs",
        env: &["DD_LOGS_CONFIG_TAG_MULTI_LINE_LOGS"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Adds `multiline:<source>` to joined lines.",
        set: |config, value| put(&mut config.logs_config_tag_multi_line_logs, value),
        ..BASE
    },
    Key {
        name: "logs_config.auto_multi_line_detection",
        env: &["DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Joins lines that belong together without being told how they begin.",
        set: |config, value| put(&mut config.logs_config_auto_multi_line_detection, value),
        ..BASE
    },
    Key {
        name: "logs_config.container_collect_all",
        env: &["DD_LOGS_CONFIG_CONTAINER_COLLECT_ALL"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Collects from every container.",
        set: |config, value| put(&mut config.logs_config_container_collect_all, value),
        ..BASE
    },
    Key {
        name: "logs_config.k8s_container_use_file",
        env: &["DD_LOGS_CONFIG_K8S_CONTAINER_USE_FILE"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Reads Kubernetes containers from their files.",
        set: |config, value| put(&mut config.logs_config_k8s_container_use_file, value),
        ..BASE
    },
    Key {
        name: "logs_config.docker_container_use_file",
        env: &["DD_LOGS_CONFIG_DOCKER_CONTAINER_USE_FILE"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Reads Docker containers from their files.",
        set: |config, value| put(&mut config.logs_config_docker_container_use_file, value),
        ..BASE
    },
    Key {
        name: "logs_config.auto_multi_line.enable_json_detection",
        env: &["DD_LOGS_CONFIG_AUTO_MULTI_LINE_ENABLE_JSON_DETECTION"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Keeps lines that begin a JSON object alone.",
        set: |config, value| {
            put(
                &mut config.logs_config_auto_multi_line_enable_json_detection,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "logs_config.auto_multi_line.enable_datetime_detection",
        env: &["DD_LOGS_CONFIG_AUTO_MULTI_LINE_ENABLE_DATETIME_DETECTION"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Lets a line that holds a time begin a group.",
        set: |config, value| {
            put(
                &mut config.logs_config_auto_multi_line_enable_datetime_detection,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "logs_config.auto_multi_line.timestamp_detector_match_threshold",
        env: &["DD_LOGS_CONFIG_AUTO_MULTI_LINE_TIMESTAMP_DETECTOR_MATCH_THRESHOLD"],
        kind: Kind::Float { min: 0.0, max: 1.0 },
        default: Default::Text("0.5"),
        doc: "Score above which a line is held to contain a time.",
        set: |config, value| {
            put(
                &mut config.logs_config_auto_multi_line_timestamp_detector_match_threshold,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "logs_config.auto_multi_line.tokenizer_max_input_bytes",
        env: &["DD_LOGS_CONFIG_AUTO_MULTI_LINE_TOKENIZER_MAX_INPUT_BYTES"],
        kind: Kind::Bytes {
            min: 1,
            max: 65_535,
            outside: Outside::Refuse,
        },
        default: Default::Text("60"),
        doc: "Bytes of a line that detection looks at.",
        set: |config, value| {
            put(
                &mut config.logs_config_auto_multi_line_tokenizer_max_input_bytes,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "logs_config.auto_multi_line.pattern_table_max_size",
        env: &["DD_LOGS_CONFIG_AUTO_MULTI_LINE_PATTERN_TABLE_MAX_SIZE"],
        kind: Kind::Int {
            min: 1,
            max: 100000,
            outside: Outside::Refuse,
        },
        default: Default::Text("20"),
        doc: "Rows of the table of line patterns.",
        set: |config, value| {
            put(
                &mut config.logs_config_auto_multi_line_pattern_table_max_size,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "logs_config.auto_multi_line.pattern_table_match_threshold",
        env: &["DD_LOGS_CONFIG_AUTO_MULTI_LINE_PATTERN_TABLE_MATCH_THRESHOLD"],
        kind: Kind::Float { min: 0.0, max: 1.0 },
        default: Default::Text("0.75"),
        doc: "Share of equal tokens at which two lines have one pattern.",
        set: |config, value| {
            put(
                &mut config.logs_config_auto_multi_line_pattern_table_match_threshold,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "logs_config.auto_multi_line.enable_json_aggregation",
        env: &["DD_LOGS_CONFIG_AUTO_MULTI_LINE_ENABLE_JSON_AGGREGATION"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        doc: "Merges lines that form one JSON object together.",
        set: |config, value| {
            put(
                &mut config.logs_config_auto_multi_line_enable_json_aggregation,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "logs_config.auto_multi_line.tag_aggregated_json",
        env: &["DD_LOGS_CONFIG_AUTO_MULTI_LINE_TAG_AGGREGATED_JSON"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        doc: "Adds `aggregated_json:true` to merged JSON.",
        set: |config, value| {
            put(
                &mut config.logs_config_auto_multi_line_tag_aggregated_json,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "logs_config.auto_multi_line_detection_custom_samples",
        env: &["DD_LOGS_CONFIG_AUTO_MULTI_LINE_DETECTION_CUSTOM_SAMPLES"],
        kind: Kind::JsonList,
        doc: "Samples or expressions of lines that begin, continue or do not belong to a group.",
        ..BASE
    },
];
