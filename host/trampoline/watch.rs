//! The values of a call of any prototype on its way to the guest and back, for the hook that observes it.

use smallvec::SmallVec;

use super::arguments::Arguments;
use super::call::Lowered;
use crate::callback::Answer;
use crate::callback::lowering::{CNumber, Lowering, Param, Pointee, Ret};
use crate::callback::observe::{Crossing, Observation, ObservedValue, Observer, tell};
use crate::ctype::CoreType;
use crate::error::Error;
use crate::registry::Entry;
use crate::sandbox::{Stay, Turn};

/// Maximum number of bytes that are observed of what a pointer leads to, and of a struct.
const MAX_BYTES: usize = 256;

/// Follows a call of any prototype.
pub(super) trait Watch {
    /// Sees the arguments, which are staged.
    fn lowered(&mut self, _: &Lowering, _: &[Lowered], _: &Arguments<'_>, _: &mut Turn<'_>) {}

    /// Makes the call of the guest.
    fn call<'t, T>(&mut self, turn: &mut Turn<'t>, call: impl FnOnce(&mut Turn<'t>) -> T) -> T {
        call(turn)
    }

    /// Sees the result, which is the last thing that could have been refused. `number`: its bytes.
    fn lifted(&mut self, _: &Lowering, _: Option<[u8; 8]>, _: bool, _: &mut Turn<'_>) -> Answer<()> {
        Ok(())
    }
}

/// Sees nothing.
pub(super) struct Unwatched;

impl Watch for Unwatched {}

/// An observed call.
pub(super) struct Watched<'e> {
    entry: &'e Entry,
    observer: &'e Observer,
    crossing: Crossing,
    stay: Stay,
    arguments: SmallVec<[Seen; 4]>,
    told: bool,
}

/// A value that outlives the copy that it was seen in.
enum Seen {
    Value(ObservedValue<'static>),
    Bytes(SmallVec<[u8; 32]>, usize),
}

impl Seen {
    fn start_of(bytes: &[u8]) -> Seen {
        Seen::Bytes(SmallVec::from_slice(&bytes[..bytes.len().min(MAX_BYTES)]), bytes.len())
    }

    fn value(&self) -> ObservedValue<'_> {
        match self {
            Seen::Value(value) => *value,
            Seen::Bytes(bytes, len) => ObservedValue::Bytes { bytes, len: *len },
        }
    }
}

impl<'e> Watched<'e> {
    pub(super) fn new(entry: &'e Entry, observer: &'e Observer) -> Watched<'e> {
        let (crossing, stay) = (Crossing::take(), Stay::default());
        Watched { entry, observer, crossing, stay, arguments: SmallVec::new(), told: false }
    }

    /// Tells of a call that has failed, unless its success has been told.
    pub(super) fn failed(&mut self, error: &Error) {
        if !self.told {
            // The call has failed already, so that a panic changes nothing.
            let _ = self.tell(Err(error));
        }
    }

    fn tell(&mut self, outcome: Result<ObservedValue<'_>, &Error>) -> Result<(), String> {
        self.told = true;
        let callback = &self.entry.callback;
        let arguments: SmallVec<[_; 4]> = self.arguments.iter().map(Seen::value).collect();
        tell(
            self.observer,
            &Observation {
                module: callback.guest().module(),
                export: callback.export(),
                arguments: &arguments,
                outcome,
                started: self.crossing.started,
                entered: self.stay.entered,
                left: self.stay.left,
                ended: std::time::Instant::now(),
                fuel: self.stay.fuel,
                slot: self.crossing.slot,
            },
        )
    }
}

impl Watch for Watched<'_> {
    fn lowered(
        &mut self,
        lowering: &Lowering,
        passed: &[Lowered],
        arguments: &Arguments<'_>,
        turn: &mut Turn<'_>,
    ) {
        let staged = turn.staged(arguments.len());
        // The address of a result that is a struct is no argument of C's.
        let hidden = usize::from(matches!(lowering.result, Ret::Struct(_)));
        let seen = lowering.params.iter().zip(&passed[hidden..]).map(|(param, passed)| {
            let copy = passed.copy().map(|at| (at as usize, arguments.copy_len(at as usize)));
            match (param, passed, copy) {
                (Param::Number(num, core), Lowered::Bits(bits), _) => {
                    Seen::Value(of_number(num, core_bytes(*bits, *core, num)))
                }
                (Param::Struct(object), _, Some((at, _))) => Seen::start_of(&staged[at..][..object.size]),
                (Param::Pointer(Pointee::Text), _, Some((at, Some(len)))) => {
                    Seen::start_of(&staged[at..][..len.saturating_sub(1)])
                }
                (_, _, Some((at, Some(len)))) => Seen::start_of(&staged[at..][..len]),
                _ => Seen::Value(ObservedValue::Pointer { null: passed.is_null() }),
            }
        });
        self.arguments = seen.collect();
    }

    fn call<'t, T>(&mut self, turn: &mut Turn<'t>, call: impl FnOnce(&mut Turn<'t>) -> T) -> T {
        turn.timed(&mut self.stay, call)
    }

    fn lifted(
        &mut self,
        lowering: &Lowering,
        number: Option<[u8; 8]>,
        null: bool,
        turn: &mut Turn<'_>,
    ) -> Answer<()> {
        let result = match (&lowering.result, number) {
            (Ret::Number(num, _), Some(number)) => Seen::Value(of_number(num, number)),
            (Ret::Pointer(_), _) => Seen::Value(ObservedValue::Pointer { null }),
            // It is the first copy.
            (Ret::Struct(object), _) => Seen::start_of(turn.staged(object.size)),
            _ => Seen::Value(ObservedValue::Nothing),
        };
        self.tell(Ok(result.value()))
            .map_err(|message| Box::new(Error::panicked(self.entry.callback.export(), message)))
    }
}

/// Returns the bytes of a number in the host's representation from those of a core value.
fn core_bytes(bits: u64, core: CoreType, num: &CNumber) -> [u8; 8] {
    match core {
        CoreType::F64 if num.size() == 4 => u64::from((f64::from_bits(bits) as f32).to_bits()).to_ne_bytes(),
        _ => bits.to_ne_bytes(),
    }
}

fn of_number(num: &CNumber, bytes: [u8; 8]) -> ObservedValue<'static> {
    if num.is_integer() {
        return ObservedValue::Integer(num.integer(bytes));
    }
    let bits = u64::from_ne_bytes(bytes);
    ObservedValue::Float(match num.size() {
        4 => f32::from_bits(bits as u32).into(),
        _ => f64::from_bits(bits),
    })
}
