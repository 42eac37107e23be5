//! A callback of a guest that is a closure; its sessions are the library's.

use std::cmp::Ordering;

use crate::ctype::CType;
use crate::error::{Error, Result};
use crate::memory::Array;
use crate::prototype::Prototype;
use crate::sandbox::{Behaviour, Budget, Guest, PairCaller};
use crate::sync::{Arc, PerThread};

#[path = "../../../host/callback/instances.rs"]
mod instances;
#[path = "../../../host/callback/session.rs"]
mod session;

use instances::Counters;
pub(crate) use session::Session;

pub(crate) type Answer<T = Ordering> = Result<T, Box<Error>>;

pub(crate) type Hook = dyn Fn(Error) -> Option<Error> + Send + Sync;

#[derive(Clone, Default)]
pub(crate) struct FailurePolicy {
    pub(crate) fallback: Option<Box<[u8]>>,
    pub(crate) on_failure: Option<std::sync::Arc<Hook>>,
}

#[derive(Clone)]
pub(crate) struct Callback {
    inner: Arc<CallbackInner>,
    policy: FailurePolicy,
    instances: Option<Arc<PerThread<CallbackInner>>>,
}

struct CallbackInner {
    guest: Guest,
    export: String,
    prototype: Prototype,
    comparator: Option<Comparator>,
    counters: Counters,
}

impl CallbackInner {
    fn new(guest: Guest) -> Arc<CallbackInner> {
        Arc::new(CallbackInner {
            guest,
            export: "compare".to_owned(),
            prototype: Prototype::comparator(CType::Int),
            comparator: Some(Comparator { call: PairCaller }),
            counters: Counters::new(),
        })
    }

    fn of_new_guest(&self) -> Result<Arc<CallbackInner>> {
        Ok(CallbackInner::new(self.guest.another()))
    }
}

/// No callback of the models is observed.
pub(crate) mod observe {
    use super::{Answer, Session};

    pub(crate) enum Observer {}

    impl Session<'_> {
        pub(super) fn compare_observed(&mut self, observer: &Observer, _: &[u8], _: &[u8]) -> Answer {
            match *observer {}
        }
    }

    pub(crate) struct Crossing;

    impl Crossing {
        pub(crate) fn enter<T>(_: u64, call: impl FnOnce() -> T) -> T {
            call()
        }
    }
}

pub(crate) struct Comparator {
    call: PairCaller,
}

impl Comparator {
    pub(crate) fn show(&self, _: &[u8]) -> String {
        unreachable!("no guest of a model fails by trapping")
    }
}

mod comparator {
    use crate::error::{Error, bug};
    use crate::prototype::Prototype;

    pub(super) fn not_a_comparator(_: &Prototype) -> Error {
        bug!("every callback of the models compares")
    }
}

impl Callback {
    /// Creates a callback of a new guest, with this fallback.
    pub(crate) fn new(fallback: i32, behaviour: Behaviour) -> Callback {
        let inner = CallbackInner::new(Guest::new(behaviour));
        let policy = FailurePolicy { fallback: Some(fallback.to_ne_bytes().into()), on_failure: None };
        Callback { inner, policy, instances: None }
    }

    pub(crate) fn export(&self) -> &str {
        &self.inner.export
    }

    pub(crate) fn prototype(&self) -> &Prototype {
        &self.inner.prototype
    }

    pub(crate) fn guest(&self) -> &Guest {
        &self.inner.guest
    }

    pub(crate) fn place(&self) -> Option<&'static std::panic::Location<'static>> {
        None
    }

    pub(crate) fn policy(&self) -> &FailurePolicy {
        &self.policy
    }

    pub(crate) fn is_observed(&self) -> bool {
        false
    }

    pub(crate) fn observer(&self) -> Option<&observe::Observer> {
        None
    }

    pub(crate) fn tell_refused(&self, _: [&[u8]; 2], _: &Error) {}

    pub(crate) fn accepts(&self, _: usize, _: Option<&CType>) -> Result<()> {
        Ok(())
    }

    pub(crate) fn accepts_array(&self, _: &Array<'_>) -> Result<()> {
        Ok(())
    }

    pub(crate) fn width(&self) -> Result<Option<usize>> {
        Ok(Some(4))
    }

    pub(crate) fn ask(&self, budget: Option<&Arc<Budget>>, a: &[u8], b: &[u8]) -> Answer {
        self.compare_session(budget)?.compare(a, b)
    }

    pub(crate) fn compare_session<'b>(
        &self,
        budget: impl Into<Option<&'b Arc<Budget>>>,
    ) -> Result<Session<'_>> {
        self.session(budget)
    }
}
