//! Stands for published values in the models of what is built on them, which would take too long otherwise.
//! `models::published` looks into the library's own.

use crate::sync::{Arc, Mutex};

pub(crate) struct Published<T>(Mutex<Option<Arc<T>>>);

pub(crate) struct Loaded<T>(Option<Arc<T>>);

impl<T> Published<T> {
    pub(crate) fn empty() -> Published<T> {
        Published(Mutex::new(None))
    }

    pub(crate) fn load(&self) -> Loaded<T> {
        Loaded(self.0.lock().unwrap().clone())
    }

    pub(crate) fn replace(&self, value: Option<Arc<T>>) -> Option<Arc<T>> {
        std::mem::replace(&mut *self.0.lock().unwrap(), value)
    }
}

impl<T> Loaded<T> {
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.as_deref()
    }

    pub(crate) fn to_owned(&self) -> Option<Arc<T>> {
        self.0.clone()
    }
}
