//! What the obfuscator is told by its owner.
//!
//! Plain values with the product's defaults; reads no environment.

/// Which values are obfuscated, and how far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Config {
    /// The tag `elasticsearch.body`.
    pub elasticsearch: Json,
    /// The tag `opensearch.body`.
    pub opensearch: Json,
    /// The tag `mongodb.query`.
    pub mongodb: Json,
    /// The tag `http.url` of web requests.
    pub http: Http,
    /// The tag `redis.raw_command`; resources of Redis spans are quantized in any case.
    pub redis: Redis,
    /// The tag `valkey.raw_command`; resources of Valkey spans are quantized in any case.
    pub valkey: Redis,
    /// The tag `memcached.command`.
    pub memcached: Memcached,
    /// Card numbers in tags of all spans, and in attributes of their events.
    pub credit_cards: CreditCards,
    /// Resources of spans of the types `sql` and `cassandra`.
    pub sql: Sql,
}

/// How JSON documents are obfuscated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Json {
    /// Whether they are; default true.
    pub enabled: bool,
    /// Keys whose whole values stay as they are; default none.
    pub keep_values: Vec<String>,
    /// Keys whose text values are SQL, and are obfuscated as such; default none.
    pub obfuscate_sql_values: Vec<String>,
}

impl Default for Json {
    fn default() -> Self {
        Self {
            enabled: true,
            keep_values: Vec::new(),
            obfuscate_sql_values: Vec::new(),
        }
    }
}

/// How URLs are obfuscated; names and passwords are always taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Http {
    /// Leaves `?` of a query; default false.
    pub remove_query_string: bool,
    /// Leaves `?` of each segment of a path with a digit in it; default false.
    pub remove_paths_with_digits: bool,
}

/// How commands of Redis or Valkey are obfuscated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redis {
    /// Whether they are; default true.
    pub enabled: bool,
    /// Whether all arguments go, rather than those that hold values; default false.
    pub remove_all_args: bool,
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            enabled: true,
            remove_all_args: false,
        }
    }
}

/// How commands of memcached are obfuscated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memcached {
    /// Whether they are; default true.
    pub enabled: bool,
    /// Keeps the first line, which holds no value, rather than nothing; default false.
    pub keep_command: bool,
}

impl Default for Memcached {
    fn default() -> Self {
        Self {
            enabled: true,
            keep_command: false,
        }
    }
}

/// How card numbers are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditCards {
    /// Whether they are looked for; default true.
    pub enabled: bool,
    /// Whether their check digit must be right; default false.
    pub luhn: bool,
    /// Keys whose values are no card numbers; default none beyond those that are always kept.
    pub keep_values: Vec<String>,
}

impl Default for CreditCards {
    fn default() -> Self {
        Self {
            enabled: true,
            luhn: false,
            keep_values: Vec::new(),
        }
    }
}

/// What is done to a statement of SQL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SqlMode {
    /// Literals become `?`, lists of them one, and comments and aliases go: what resources are grouped by.
    #[default]
    Legacy,
    /// Literals become `?`; nothing else changes.
    ObfuscateOnly,
    /// Comments and aliases go; literals stay.
    NormalizeOnly,
    /// Both of these.
    ObfuscateAndNormalize,
}

impl SqlMode {
    /// The mode of a name: empty, `obfuscate_only`, `normalize_only` or `obfuscate_and_normalize`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "" => Self::Legacy,
            "obfuscate_only" => Self::ObfuscateOnly,
            "normalize_only" => Self::NormalizeOnly,
            "obfuscate_and_normalize" => Self::ObfuscateAndNormalize,
            _ => return None,
        })
    }

    /// The name of a mode, as [`SqlMode::from_name`] reads it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Legacy => "",
            Self::ObfuscateOnly => "obfuscate_only",
            Self::NormalizeOnly => "normalize_only",
            Self::ObfuscateAndNormalize => "obfuscate_and_normalize",
        }
    }
}

/// How SQL is obfuscated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sql {
    /// What is done; default [`SqlMode::Legacy`].
    pub mode: SqlMode,
    /// Whether names of tables are written to the tag `sql.tables`, with commas; default false.
    pub table_names: bool,
    /// Whether digits in names become `?`, as in `sales_2019`; default false.
    pub replace_digits: bool,
    /// Whether `AS alias` stays; default false.
    pub keep_sql_alias: bool,
    /// Whether a dollar-quoted text is a statement of its own rather than a value; default false.
    pub dollar_quoted_func: bool,
    /// Bytes of statements and their results that are remembered; 0 is none; default 5,000,000.
    pub cache_bytes: usize,
}

impl Default for Sql {
    fn default() -> Self {
        Self {
            mode: SqlMode::default(),
            table_names: false,
            replace_digits: false,
            keep_sql_alias: false,
            dollar_quoted_func: false,
            cache_bytes: 5_000_000,
        }
    }
}
