//! A callback of a guest that is a closure; its sessions are the library's.

use std::cmp::Ordering;

use crate::ctype::CType;
use crate::error::{Error, Result};
use crate::memory::Array;
use crate::prototype::Prototype;
use crate::sandbox::{Behaviour, Budget, Guest, PairCaller};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[path = "../../../host/callback/session.rs"]
mod session;

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
}

struct CallbackInner {
    guest: Guest,
    export: String,
    prototype: Prototype,
    comparator: Option<Comparator>,
    calls: AtomicU64,
    failures: AtomicU64,
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
        let inner = CallbackInner {
            guest: Guest::new(behaviour),
            export: "compare".to_owned(),
            prototype: Prototype::comparator(CType::Int),
            comparator: Some(Comparator { call: PairCaller }),
            calls: AtomicU64::new(0),
            failures: AtomicU64::new(0),
        };
        let policy = FailurePolicy { fallback: Some(fallback.to_ne_bytes().into()), on_failure: None };
        Callback { inner: Arc::new(inner), policy }
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

    pub(crate) fn policy(&self) -> &FailurePolicy {
        &self.policy
    }

    pub(crate) fn calls(&self) -> u64 {
        self.inner.calls.load(Relaxed)
    }

    pub(crate) fn failures(&self) -> u64 {
        self.inner.failures.load(Relaxed)
    }

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
