//! No lookahead: each comparison is asked for.

use std::rc::Rc;

use crate::answers::PreparedAnswers;
use crate::callback::{Answer, Callback, Session};
use crate::memory::Extent;

pub(crate) const MIN_ELEMENTS: usize = usize::MAX;

#[derive(Default)]
pub(crate) struct Rules;

pub(crate) struct Lookahead;

impl Lookahead {
    pub(crate) fn new(
        _: &Callback,
        _: &mut Session<'_>,
        _: Rules,
        _: Extent,
        _: &Rc<PreparedAnswers>,
        _: Option<()>,
    ) -> Option<Lookahead> {
        None
    }

    pub(crate) fn ask(&mut self, session: &mut Session<'_>, _: &[u8], [a, b]: [&[u8]; 2]) -> Answer {
        session.compare(a, b)
    }
}
