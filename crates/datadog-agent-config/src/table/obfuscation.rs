//! Keys of the subject *Obfuscation*.

use super::{Class, Default, Key, Pipeline, put};
use crate::kind::{GIB, Kind, Outside};

const BASE: Key = Key::of(Pipeline::Traces);

pub(super) static KEYS: &[Key] = &[
    Key {
        name: "apm_config.obfuscation.http.remove_query_string",
        env: &[
            "DD_APM_CONFIG_OBFUSCATION_HTTP_REMOVE_QUERY_STRING",
            "DD_APM_OBFUSCATION_HTTP_REMOVE_QUERY_STRING",
        ],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Removes the query from URLs.",
        set: |config, value| {
            put(
                &mut config.apm_config_obfuscation_http_remove_query_string,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.http.remove_paths_with_digits",
        env: &[
            "DD_APM_CONFIG_OBFUSCATION_HTTP_REMOVE_PATHS_WITH_DIGITS",
            "DD_APM_OBFUSCATION_HTTP_REMOVE_PATHS_WITH_DIGITS",
        ],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Replaces path segments with digits in URLs.",
        set: |config, value| {
            put(
                &mut config.apm_config_obfuscation_http_remove_paths_with_digits,
                value,
            )
        },
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.elasticsearch.enabled",
        env: &["DD_APM_OBFUSCATION_ELASTICSEARCH_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        class: Class::Security,
        doc: "Obfuscates Elasticsearch queries.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.elasticsearch.keep_values",
        env: &["DD_APM_OBFUSCATION_ELASTICSEARCH_KEEP_VALUES"],
        kind: Kind::Words,
        default: Default::Text(""),
        class: Class::Security,
        doc: "Keys of Elasticsearch queries whose values stay.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.elasticsearch.obfuscate_sql_values",
        env: &["DD_APM_OBFUSCATION_ELASTICSEARCH_OBFUSCATE_SQL_VALUES"],
        kind: Kind::Words,
        default: Default::Text(""),
        class: Class::Security,
        doc: "Keys of Elasticsearch queries whose values are obfuscated as SQL.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.opensearch.enabled",
        env: &["DD_APM_OBFUSCATION_OPENSEARCH_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        class: Class::Security,
        doc: "Obfuscates OpenSearch queries.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.opensearch.keep_values",
        env: &["DD_APM_OBFUSCATION_OPENSEARCH_KEEP_VALUES"],
        kind: Kind::Words,
        default: Default::Text(""),
        class: Class::Security,
        doc: "Keys of OpenSearch queries whose values stay.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.opensearch.obfuscate_sql_values",
        env: &["DD_APM_OBFUSCATION_OPENSEARCH_OBFUSCATE_SQL_VALUES"],
        kind: Kind::Words,
        default: Default::Text(""),
        class: Class::Security,
        doc: "Keys of OpenSearch queries whose values are obfuscated as SQL.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.mongodb.enabled",
        env: &["DD_APM_OBFUSCATION_MONGODB_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        class: Class::Security,
        doc: "Obfuscates MongoDB queries.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.mongodb.keep_values",
        env: &["DD_APM_OBFUSCATION_MONGODB_KEEP_VALUES"],
        kind: Kind::Words,
        default: Default::Text(""),
        class: Class::Security,
        doc: "Keys of MongoDB queries whose values stay.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.mongodb.obfuscate_sql_values",
        env: &["DD_APM_OBFUSCATION_MONGODB_OBFUSCATE_SQL_VALUES"],
        kind: Kind::Words,
        default: Default::Text(""),
        class: Class::Security,
        doc: "Keys of MongoDB queries whose values are obfuscated as SQL.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.sql_exec_plan.enabled",
        env: &["DD_APM_OBFUSCATION_SQL_EXEC_PLAN_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Obfuscates SQL execution plans.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.sql_exec_plan.keep_values",
        env: &["DD_APM_OBFUSCATION_SQL_EXEC_PLAN_KEEP_VALUES"],
        kind: Kind::Words,
        default: Default::Text(""),
        class: Class::Security,
        doc: "Keys of SQL execution plans whose values stay.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.sql_exec_plan.obfuscate_sql_values",
        env: &["DD_APM_OBFUSCATION_SQL_EXEC_PLAN_OBFUSCATE_SQL_VALUES"],
        kind: Kind::Words,
        default: Default::Text(""),
        class: Class::Security,
        doc: "Keys of SQL execution plans whose values are obfuscated as SQL.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.sql_exec_plan_normalize.enabled",
        env: &["DD_APM_OBFUSCATION_SQL_EXEC_PLAN_NORMALIZE_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Obfuscates normalised SQL execution plans.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.sql_exec_plan_normalize.keep_values",
        env: &["DD_APM_OBFUSCATION_SQL_EXEC_PLAN_NORMALIZE_KEEP_VALUES"],
        kind: Kind::Words,
        default: Default::Text(""),
        class: Class::Security,
        doc: "Keys of normalised SQL execution plans whose values stay.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.sql_exec_plan_normalize.obfuscate_sql_values",
        env: &["DD_APM_OBFUSCATION_SQL_EXEC_PLAN_NORMALIZE_OBFUSCATE_SQL_VALUES"],
        kind: Kind::Words,
        default: Default::Text(""),
        class: Class::Security,
        doc: "Keys of normalised SQL execution plans whose values are obfuscated as SQL.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.redis.enabled",
        env: &["DD_APM_OBFUSCATION_REDIS_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        class: Class::Security,
        doc: "Obfuscates Redis commands.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.redis.remove_all_args",
        env: &["DD_APM_OBFUSCATION_REDIS_REMOVE_ALL_ARGS"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Removes all arguments of Redis commands.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.valkey.enabled",
        env: &["DD_APM_OBFUSCATION_VALKEY_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        class: Class::Security,
        doc: "Obfuscates Valkey commands.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.valkey.remove_all_args",
        env: &["DD_APM_OBFUSCATION_VALKEY_REMOVE_ALL_ARGS"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Removes all arguments of Valkey commands.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.memcached.enabled",
        env: &["DD_APM_OBFUSCATION_MEMCACHED_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        class: Class::Security,
        doc: "Obfuscates memcached commands.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.memcached.keep_command",
        env: &["DD_APM_OBFUSCATION_MEMCACHED_KEEP_COMMAND"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Keeps the command line of memcached without its value.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.credit_cards.enabled",
        env: &["DD_APM_OBFUSCATION_CREDIT_CARDS_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        class: Class::Security,
        doc: "Removes numbers of payment cards.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.credit_cards.luhn",
        env: &["DD_APM_OBFUSCATION_CREDIT_CARDS_LUHN"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Checks the digit sum before a number counts as one of a card.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.credit_cards.keep_values",
        env: &["DD_APM_OBFUSCATION_CREDIT_CARDS_KEEP_VALUES"],
        kind: Kind::Words,
        default: Default::Text(""),
        class: Class::Security,
        doc: "Tags in which card numbers stay.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.remove_stack_traces",
        env: &["DD_APM_OBFUSCATION_REMOVE_STACK_TRACES"],
        kind: Kind::Bool,
        default: Default::Text("false"),
        class: Class::Security,
        doc: "Replaces stack traces by a question mark.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.cache.enabled",
        env: &["DD_APM_OBFUSCATION_CACHE_ENABLED"],
        kind: Kind::Bool,
        default: Default::Text("true"),
        class: Class::Security,
        doc: "Remembers obfuscated SQL.",
        ..BASE
    },
    Key {
        name: "apm_config.obfuscation.cache.max_size",
        env: &["DD_APM_OBFUSCATION_CACHE_MAX_SIZE"],
        kind: Kind::Bytes {
            min: 0,
            max: GIB,
            outside: Outside::Refuse,
        },
        default: Default::Text("5000000"),
        class: Class::Security,
        doc: "Bytes of obfuscated SQL that are remembered.",
        ..BASE
    },
    Key {
        name: "apm_config.sql_obfuscation_mode",
        env: &["DD_APM_SQL_OBFUSCATION_MODE"],
        kind: Kind::Choice(&[
            "obfuscate_only",
            "normalize_only",
            "obfuscate_and_normalize",
        ]),
        class: Class::Security,
        doc: "How SQL is obfuscated; the plain tokenizer when not set.",
        ..BASE
    },
];
