//! The settings of a sandbox.
#![allow(unsafe_code, reason = "exports functions, and calls the caller's")]

use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;

use host::{Limit, Limits};

use crate::border::{Failure, Result, free, status};
use crate::memory::{Text, UserData, given};

/// `callbox_print_fn`
pub(crate) type PrintFn = unsafe extern "C" fn(*const c_char, usize, *mut c_void);

/// `callbox_interrupt_fn`
pub(crate) type InterruptFn = unsafe extern "C" fn(*mut c_void) -> c_int;

/// `callbox_config`
#[derive(Clone, Debug)]
pub(crate) struct Config {
    limits: Limits,
    simd: bool,
    signals_based_traps: bool,
    assume_fresh_pages: bool,
    print: Option<(PrintFn, UserData)>,
    interrupt: Option<(InterruptFn, UserData)>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            limits: Limits::default(),
            simd: false,
            signals_based_traps: true,
            assume_fresh_pages: false,
            print: None,
            interrupt: None,
        }
    }
}

impl Config {
    /// Returns the library's configuration.
    pub(crate) fn build(&self) -> host::Config {
        let mut config = host::Config::new(self.limits)
            .simd(self.simd)
            .signals_based_traps(self.signals_based_traps)
            .assume_fresh_pages(self.assume_fresh_pages);
        if let Some((print, user_data)) = self.print {
            config = config.grant_print(move |text| {
                // SAFETY: whoever set the function keeps it and its data valid, for calls on any thread.
                unsafe { print(text.as_ptr().cast(), text.len(), user_data.get()) }
            });
        }
        if let Some((check, user_data)) = self.interrupt {
            config = config.interrupt_when(move || {
                // SAFETY: as above.
                unsafe { check(user_data.get()) != 0 }
            });
        }
        config
    }

    fn switch(&mut self, name: &str) -> Result<&mut bool> {
        match name {
            "simd" => Ok(&mut self.simd),
            "signals_based_traps" => Ok(&mut self.signals_based_traps),
            "assume_fresh_pages" => Ok(&mut self.assume_fresh_pages),
            _ => Err(Failure::invalid(format!(
                "there is no switch \"{}\"; there are signals_based_traps, simd, assume_fresh_pages",
                host::escape(name)
            ))),
        }
    }
}

fn limit(name: &str) -> Result<Limit> {
    let found = Limit::ALL.iter().copied().find(|limit| limit.name() == name);
    found.ok_or_else(|| {
        let names: Vec<_> = Limit::ALL.iter().map(|limit| limit.name()).collect();
        let name = host::escape(name);
        Failure::invalid(format!("there is no limit \"{name}\"; the limits are {}", names.join(", ")))
    })
}

/// `callbox_config_new`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_config_new(config: Option<&mut MaybeUninit<Box<Config>>>) -> c_int {
    status(|| {
        given(config, "config")?.write(Box::default());
        Ok(())
    })
}

/// `callbox_config_limit`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_config_limit(config: Option<&mut Config>, name: Text, value: u64) -> c_int {
    status(|| {
        let config = given(config, "config")?;
        config.limits = config.limits.set(limit(name.get("name")?)?, value);
        Ok(())
    })
}

/// `callbox_config_switch`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_config_switch(config: Option<&mut Config>, name: Text, on: c_int) -> c_int {
    status(|| {
        *given(config, "config")?.switch(name.get("name")?)? = on != 0;
        Ok(())
    })
}

/// `callbox_config_print`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_config_print(
    config: Option<&mut Config>,
    print: Option<PrintFn>,
    user_data: UserData,
) -> c_int {
    status(|| {
        let config = given(config, "config")?;
        config.print = Some((given(print, "print")?, user_data));
        Ok(())
    })
}

/// `callbox_config_interrupt`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_config_interrupt(
    config: Option<&mut Config>,
    check: Option<InterruptFn>,
    user_data: UserData,
) -> c_int {
    status(|| {
        let config = given(config, "config")?;
        config.interrupt = Some((given(check, "check")?, user_data));
        Ok(())
    })
}

/// `callbox_config_free`
#[unsafe(no_mangle)]
pub(crate) extern "C" fn callbox_config_free(config: Option<Box<Config>>) {
    free(config);
}
