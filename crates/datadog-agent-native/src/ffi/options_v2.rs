//! The options that grow: they say how large they are, so that an older library refuses what it does not know.

use std::ffi::{c_char, c_int, c_void};
use std::mem::{MaybeUninit, align_of, offset_of, size_of};

use super::agent::start;
use super::error::{DatadogError, Failure};
use super::guard::guard_code;
use super::log::{Callback, DatadogLogCallback};
use super::options::DatadogAgentOptions;
use super::result::DatadogAgentStartResult;
use super::settings::Settings;
use super::text::copied;

/// No struct of options will ever be larger.
const MAX_SIZE: usize = 64 * 1_024;
/// Variables that are taken at most.
const MAX_VARIABLES: usize = 1_024;

/// One variable of an environment.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DatadogEnvVar {
    /// Its name, such as `DD_TAGS`.
    pub name: *const c_char,
    /// Its value. NULL: the variable counts as not set.
    pub value: *const c_char,
}

/// What an agent is started with by `datadog_agent_start_v2`: the fields of `DatadogAgentOptions`, and further ones.
/// Later libraries may have more of them at the end. Fill it with `datadog_agent_options_init_v2` first.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct DatadogAgentOptionsV2 {
    /// The size of this struct, as its user knows it.
    pub struct_size: u32,
    /// Always 0.
    pub flags: u32,
    /// As in `DatadogAgentOptions`.
    pub api_key: *const c_char,
    /// As in `DatadogAgentOptions`.
    pub site: *const c_char,
    /// As in `DatadogAgentOptions`.
    pub service: *const c_char,
    /// As in `DatadogAgentOptions`.
    pub env: *const c_char,
    /// As in `DatadogAgentOptions`.
    pub version: *const c_char,
    /// As in `DatadogAgentOptions`.
    pub appsec_enabled: c_int,
    /// As in `DatadogAgentOptions`.
    pub remote_config_enabled: c_int,
    /// As in `DatadogAgentOptions`.
    pub log_level: c_int,
    /// As in `DatadogAgentOptions`.
    pub operational_mode: c_int,
    /// As in `DatadogAgentOptions`.
    pub trace_agent_port: c_int,
    /// As in `DatadogAgentOptions`.
    pub dogstatsd_enabled: c_int,
    /// As in `DatadogAgentOptions`.
    pub dogstatsd_port: c_int,
    /// As in `DatadogAgentOptions`.
    pub trace_agent_uds_permissions: c_int,
    /// The path of the Unix socket for traces, absolute and of at most 100 bytes; asks for that mode when no other is
    /// asked for. NULL: `DD_TRACE_AGENT_UDS_PATH`, else one in /tmp.
    pub uds_path: *const c_char,
    /// Tags of everything that is sent, as `DD_TAGS` has them: `team:shop,region:eu`. NULL: `DD_TAGS`.
    pub tags: *const c_char,
    /// When data is sent, as `DD_SERVERLESS_FLUSH_STRATEGY` says it. NULL: that variable.
    pub flush_strategy: *const c_char,
    /// How long a stop may take. 0: `DD_SHUTDOWN_TIMEOUT`, else 30 s.
    pub shutdown_timeout_ms: c_int,
    /// 0: SIGINT and SIGTERM are taken while `datadog_agent_wait_for_shutdown` waits. 1: from the start until the
    /// first of them, or the stop. -1: never.
    pub install_signal_handlers: c_int,
    /// Gets each line of the agent's log in place of standard error. It is called on threads of the agent, by one at a
    /// time, until the stop returns; it must not call this library.
    pub log_callback: DatadogLogCallback,
    /// What the callback is given. It must stay valid until the stop returns.
    pub log_userdata: *mut c_void,
    /// Variables that count above those of the environment; copied. May be NULL when `extra_env_len` is 0.
    pub extra_env: *const DatadogEnvVar,
    /// How many; at most 1024.
    pub extra_env_len: usize,
    /// 1: this program answers requests as the firewall's verdicts say, of those that it opens with
    /// `DATADOG_APPSEC_OBEYED`; remote configuration is told so, and may then send what blocks. 0: it only watches.
    pub appsec_blocking: c_int,
}

/// The layout that every binding has written down.
const _: () = {
    const P: usize = size_of::<*const c_char>();
    const I: usize = size_of::<c_int>();
    assert!(offset_of!(DatadogAgentOptionsV2, flags) == 4);
    assert!(offset_of!(DatadogAgentOptionsV2, api_key) == 8);
    assert!(offset_of!(DatadogAgentOptionsV2, appsec_enabled) == 8 + 5 * P);
    assert!(offset_of!(DatadogAgentOptionsV2, uds_path) == 8 + size_of::<DatadogAgentOptions>());
    assert!(offset_of!(DatadogAgentOptionsV2, shutdown_timeout_ms) == 8 + 8 * P + 8 * I);
    assert!(offset_of!(DatadogAgentOptionsV2, log_callback) == 8 + 8 * P + 10 * I);
    assert!(size_of::<DatadogLogCallback>() == P);
    assert!(offset_of!(DatadogAgentOptionsV2, appsec_blocking) == 8 + 12 * P + 10 * I);
    assert!(P == 4 || size_of::<DatadogAgentOptionsV2>() == 152);
    assert!(size_of::<DatadogEnvVar>() == 2 * P);
};

/// Fills options with defaults: everything 0, but for the size. `size` is `sizeof(DatadogAgentOptionsV2)`.
///
/// # Safety
/// `options` must be NULL or lead to `size` bytes that may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_options_init_v2(
    options: *mut DatadogAgentOptionsV2,
    size: usize,
) -> DatadogError {
    guard_code(DatadogError::DATADOG_UNKNOWN_ERROR, || {
        if options.is_null() {
            return Err(Failure::null("options"));
        }
        let struct_size = checked_size(size)?;
        // SAFETY: the caller gives `size` bytes, among which the size itself has room.
        unsafe {
            options.cast::<u8>().write_bytes(0, size);
            (&raw mut (*options).struct_size).write(struct_size);
        }
        Ok(())
    })
}

/// As `datadog_agent_start`, with options that know their size. NULL is `DATADOG_NULL_POINTER`; a field that this
/// library does not have and that is not 0 is `DATADOG_CONFIG_ERROR`.
///
/// # Safety
/// `options` must be NULL or lead to as many bytes as its `struct_size` says, whose texts are NULL or end with a NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn datadog_agent_start_v2(
    options: *const DatadogAgentOptionsV2,
) -> DatadogAgentStartResult {
    // SAFETY: the caller promises size and texts.
    start(|| unsafe { DatadogAgentOptionsV2::read(options)?.settings() })
}

/// A size that a struct of options can have.
fn checked_size(size: usize) -> Result<u32, Failure> {
    let whole = size.is_multiple_of(align_of::<DatadogAgentOptionsV2>());
    let begins = size >= offset_of!(DatadogAgentOptionsV2, api_key);
    match u32::try_from(size) {
        Ok(size) if whole && begins && size as usize <= MAX_SIZE => Ok(size),
        _ => Err(Failure::config(&format!(
            "struct_size={size}: must be sizeof(DatadogAgentOptionsV2); call datadog_agent_options_init_v2"
        ))),
    }
}

impl DatadogAgentOptionsV2 {
    /// Copies what is there; what a shorter struct does not have is 0.
    ///
    /// # Errors
    /// A size that cannot be, or something set that is not known here.
    ///
    /// # Safety
    /// `options` must be NULL or lead to as many bytes as its `struct_size` says.
    unsafe fn read(options: *const Self) -> Result<Self, Failure> {
        if options.is_null() {
            return Err(Failure::null("options"));
        }
        // SAFETY: the size is the first thing in the struct, whatever its size.
        let size = unsafe { (&raw const (*options).struct_size).read() } as usize;
        checked_size(size)?;
        let known = size.min(size_of::<Self>());
        let mut copy = MaybeUninit::<Self>::zeroed();
        // SAFETY: the caller gives `size` bytes, of which those that fit are copied; what is not overwritten is 0,
        // which every field may be.
        let (copy, rest) = unsafe {
            let from = options.cast::<u8>();
            copy.as_mut_ptr()
                .cast::<u8>()
                .copy_from_nonoverlapping(from, known);
            let rest = std::slice::from_raw_parts(from.add(known), size - known);
            (copy.assume_init(), rest)
        };
        if rest.iter().any(|byte| *byte != 0) {
            return Err(Failure::config(
                "a field of the options is set that this library does not have",
            ));
        }
        Ok(copy)
    }

    /// Copies everything.
    ///
    /// # Errors
    /// A text that cannot be taken, a number that is out of range.
    ///
    /// # Safety
    /// Every text must be NULL or end with a NUL, and `extra_env` must have its length.
    unsafe fn settings(&self) -> Result<Settings, Failure> {
        if self.flags != 0 {
            return Err(Failure::config(&format!("flags={}: must be 0", self.flags)));
        }
        // SAFETY: the caller promises it of every text.
        let mut settings = unsafe { self.first().settings()? };
        // SAFETY: as above.
        unsafe {
            settings.text("trace_agent_uds_path", copied(self.uds_path, "uds_path")?);
            settings.text("tags", copied(self.tags, "tags")?);
            let strategy = copied(self.flush_strategy, "flush_strategy")?;
            settings.text("serverless_flush_strategy", strategy);
            settings.extra_env(self.variables()?);
        }
        settings.shutdown_timeout(self.shutdown_timeout_ms)?;
        settings.signals(self.install_signal_handlers)?;
        settings.appsec_blocking(self.appsec_blocking)?;
        settings.log_to(Callback::new(self.log_callback, self.log_userdata));
        Ok(settings)
    }

    /// The fields that the first version has too.
    const fn first(&self) -> DatadogAgentOptions {
        DatadogAgentOptions {
            api_key: self.api_key,
            site: self.site,
            service: self.service,
            env: self.env,
            version: self.version,
            appsec_enabled: self.appsec_enabled,
            remote_config_enabled: self.remote_config_enabled,
            log_level: self.log_level,
            operational_mode: self.operational_mode,
            trace_agent_port: self.trace_agent_port,
            dogstatsd_enabled: self.dogstatsd_enabled,
            dogstatsd_port: self.dogstatsd_port,
            trace_agent_uds_permissions: self.trace_agent_uds_permissions,
        }
    }

    /// Copies the variables.
    ///
    /// # Safety
    /// `extra_env` must have its length, and every text of it be NULL or end with a NUL.
    unsafe fn variables(&self) -> Result<Vec<(String, String)>, Failure> {
        let count = self.extra_env_len;
        if count == 0 {
            return Ok(Vec::new());
        }
        if self.extra_env.is_null() {
            return Err(Failure::null("extra_env"));
        }
        if count > MAX_VARIABLES {
            return Err(Failure::config(&format!(
                "extra_env_len={count}: must be at most {MAX_VARIABLES}"
            )));
        }
        // SAFETY: the caller promises so many.
        let variables = unsafe { std::slice::from_raw_parts(self.extra_env, count) };
        let mut copies = Vec::with_capacity(count);
        for variable in variables {
            // SAFETY: the caller promises it of every text.
            let (name, value) = unsafe {
                let name = copied(variable.name, "name in extra_env")?;
                (name, copied(variable.value, "value in extra_env")?)
            };
            let name = name.ok_or_else(|| Failure::config("extra_env: a variable has no name"))?;
            copies.push((name, value.unwrap_or_default()));
        }
        Ok(copies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh() -> DatadogAgentOptionsV2 {
        let mut options = MaybeUninit::uninit();
        // SAFETY: the options have their size, and are whole once they are initialised.
        unsafe {
            let size = size_of::<DatadogAgentOptionsV2>();
            let done = datadog_agent_options_init_v2(options.as_mut_ptr(), size);
            assert_eq!(done, DatadogError::DATADOG_OK);
            options.assume_init()
        }
    }

    #[track_caller]
    fn refused(options: &DatadogAgentOptionsV2) -> String {
        // SAFETY: the options are whole, and their texts are NULL or literals.
        let settings = unsafe { DatadogAgentOptionsV2::read(options).and_then(|it| it.settings()) };
        let failure = settings.unwrap_err();
        assert_eq!(failure.code, DatadogError::DATADOG_CONFIG_ERROR);
        failure.text
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let mut options = fresh();
        for size in [0, 4, 7, 12, 65_544] {
            options.struct_size = size;
            assert!(refused(&options).contains(&format!("struct_size={size}: ")));
        }
    }

    #[test]
    fn a_shorter_struct_has_zeros_for_the_rest() {
        let mut options = fresh();
        options.shutdown_timeout_ms = -7;
        options.struct_size = 8;
        // SAFETY: eight bytes of it are there and more.
        let copy = unsafe { DatadogAgentOptionsV2::read(&options).unwrap() };
        assert_eq!((copy.struct_size, copy.shutdown_timeout_ms), (8, 0));
    }

    #[test]
    fn a_longer_struct_is_taken_only_while_its_rest_is_zero() {
        #[repr(C)]
        struct Longer(DatadogAgentOptionsV2, [u8; 8]);
        let mut longer = Longer(fresh(), [0; 8]);
        longer.0.struct_size = u32::try_from(size_of::<Longer>()).unwrap();
        // SAFETY: the struct has the size that it says.
        let read = |longer: &Longer| unsafe {
            DatadogAgentOptionsV2::read(std::ptr::from_ref(longer).cast()).map(drop)
        };
        assert_eq!(read(&longer), Ok(()));
        longer.1[7] = 1;
        assert_eq!(
            read(&longer).unwrap_err().text,
            "Configuration error: a field of the options is set that this library does not have; agent not started"
        );
    }

    #[test]
    fn numbers_out_of_range_are_refused_by_name() {
        let with = |change: fn(&mut DatadogAgentOptionsV2)| {
            let mut options = fresh();
            change(&mut options);
            refused(&options)
        };
        assert!(with(|it| it.flags = 1).contains("flags=1: must be 0"));
        assert!(with(|it| it.shutdown_timeout_ms = -1).contains("shutdown_timeout_ms=-1: "));
        assert!(with(|it| it.install_signal_handlers = 2).contains("install_signal_handlers=2: "));
        assert!(with(|it| it.appsec_blocking = 2).contains("appsec_blocking=2: must be 0 or 1"));
        assert!(with(|it| it.trace_agent_port = 70_000).contains("trace_agent_port=70000: "));
        let many = with(|it| {
            it.extra_env_len = MAX_VARIABLES + 1;
            it.extra_env = std::ptr::dangling();
        });
        assert!(many.contains("extra_env_len=1025: must be at most 1024"));
    }
}
