//! Compares the result of every sorter for a generated comparator with the reference interpreter's.
#![allow(unsafe_code, reason = "calls C's qsort, as the oracle of callbox's own")]

use std::cell::RefCell;
use std::ffi::{c_int, c_void};

use callbox::sort::{Items, Job, Options, Sorter};
use callbox::{CType, Callback, Error, Guest, Module, Prototype, Result, Sandbox, native};

use super::comparators::{Choices, Comparator, Interpreter, Kind, Shape, Stop, module};

unsafe extern "C" {
    fn qsort(
        base: *mut c_void,
        count: usize,
        width: usize,
        compare: extern "C" fn(*const c_void, *const c_void) -> c_int,
    );
}

/// Maximum number of different elements: each pair of them is asked in advance.
const MOST_ELEMENTS: usize = 40;

/// Number of comparators of each kind.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// All.
    pub(crate) comparators: usize,
    /// Those whose answers fit an order, and do not call all elements equal.
    pub(crate) orders: usize,
    /// Those whose answers contradict each other.
    pub(crate) liars: usize,
    /// Those that trap for some elements.
    pub(crate) traps: usize,
    /// Those that keep a state.
    pub(crate) states: usize,
    /// Those that read memory which nothing is promised about.
    pub(crate) unknown: usize,
    /// Sorts that were long enough to be looked ahead.
    pub(crate) foreseen: usize,
    /// Those of comparators that trap and may be inlined.
    pub(crate) foreseen_traps: usize,
}

/// Answers for C's qsort, which sorts positions.
struct Oracle {
    answer: Box<dyn FnMut(usize, usize) -> Result<i32, Stop>>,
    stopped: Option<Stop>,
}

thread_local!(static ORACLE: RefCell<Option<Oracle>> = const { RefCell::new(None) });

extern "C" fn ask(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: C's qsort passes pointers to elements, or to copies of them; both are positions.
    let [a, b] = [a, b].map(|at| unsafe { at.cast::<u32>().read_unaligned() } as usize);
    ORACLE.with_borrow_mut(|oracle| {
        let oracle = oracle.as_mut().expect("it is set for the call");
        // After a failure, the answer that callbox gives to C.
        let answer = if oracle.stopped.is_some() { Ok(0) } else { (oracle.answer)(a, b) };
        answer.unwrap_or_else(|stop| {
            oracle.stopped = Some(stop);
            0
        })
    })
}

/// Sorts positions with C's own qsort. Returns the reason why there was no answer to one of the questions.
fn sort_by_c(
    positions: &mut [u32],
    answer: impl FnMut(usize, usize) -> Result<i32, Stop> + 'static,
) -> Result<(), Stop> {
    ORACLE.set(Some(Oracle { answer: Box::new(answer), stopped: None }));
    let (base, count) = (positions.as_mut_ptr().cast(), positions.len());
    // SAFETY: the array has `count` elements of this width. The caller is compiled for glibc only, which
    // merges arrays of this size, and so keeps to its array whatever the answers are.
    unsafe { qsort(base, count, size_of::<u32>(), ask) };
    ORACLE.take().and_then(|oracle| oracle.stopped).map_or(Ok(()), Err)
}

/// A comparator with what is known of it.
struct Case<'a> {
    comparator: &'a Comparator,
    module: &'a Module,
    exports: [String; 2],
    elements: Vec<Vec<u8>>,
    /// Answers about each pair of elements, unless they depend on a state.
    answers: Vec<Result<i32, Stop>>,
}

/// Checks comparators with all sorters, with elements and lengths by `choices`. `foreseen` returns the length
/// of an array that is long enough for C's qsort to be foreseen, for comparators to be tested so; its second
/// argument is whether the comparator traps for some elements.
pub(crate) fn check(
    sandbox: &Sandbox,
    comparators: &[Comparator],
    choices: &mut Choices<'_>,
    tally: &mut Tally,
    foreseen: impl Fn(&Comparator, bool) -> Option<usize>,
) {
    let wasm = module(comparators);
    let module =
        Module::new(sandbox, "generated", &wasm).unwrap_or_else(|error| panic!("{error}: {comparators:?}"));
    for (nth, comparator) in comparators.iter().enumerate() {
        let elements = choices.elements(comparator.shape, MOST_ELEMENTS);
        let exports = [comparator.export(nth), comparator.twin(nth)];
        let mut case = Case { comparator, module: &module, exports, elements, answers: vec![] };
        if !comparator.has_state() {
            let mut interpreter = Interpreter::new(comparator.clone());
            let pairs = case.elements.iter().flat_map(|a| case.elements.iter().map(move |b| (a, b)));
            case.answers = pairs.map(|(a, b)| interpreter.compare(a, b)).collect();
        }
        let traps = case.answers.iter().any(|answer| matches!(answer, Err(Stop::Trap(_))));
        tally.traps += usize::from(traps);
        let len = foreseen(comparator, traps).filter(|_| comparator.shape != Shape::Lines);
        tally.foreseen += usize::from(len.is_some());
        tally.foreseen_traps += usize::from(len.is_some() && traps && !comparator.is_bound_to_its_module());
        case.check(choices, tally, len);
    }
}

impl Case<'_> {
    fn check(&self, choices: &mut Choices<'_>, tally: &mut Tally, foreseen: Option<usize>) {
        tally.comparators += 1;
        tally.states += usize::from(self.comparator.has_state());
        let known = !self.answers.contains(&Err(Stop::Unknown));
        tally.unknown += usize::from(!known);
        let places = self.order();
        let differ = |places: &Vec<usize>| places.iter().any(|place| *place != places[0]);
        tally.orders += usize::from(places.as_ref().is_some_and(differ));
        let answered = !self.answers.is_empty() && self.answers.iter().all(Result::is_ok);
        tally.liars += usize::from(answered && places.is_none());
        let guest = self.module.instantiate().unwrap();
        let callback = self.callback(&guest, 0);
        if known {
            let mut interpreter = Interpreter::new(self.comparator.clone());
            self.single(&callback, choices, &mut interpreter);
            if self.comparator.shape != Shape::Lines {
                if let Some(len) = foreseen {
                    let mut shuffled = xorshift(choices.below(1 << 16) as u64);
                    let mut next = || (shuffled() % self.elements.len() as u64) as u32;
                    interpreter = self.by_c(&callback, (0..len).map(|_| next()).collect(), interpreter);
                }
                for len in [choices.below(20), choices.below(3000) % 300] {
                    interpreter = self.by_c(&callback, self.positions(len, choices), interpreter);
                }
            }
        }
        let positions = self.positions(choices.of_lengths(), choices);
        let (reverse, stable) = (choices.one_in(2), choices.one_in(2));
        let options = Options::default().sorter(Sorter::Sandboxed).reverse(reverse).stable(stable);
        let in_place = choices.one_in(2);
        let found = self.outcome(&callback, &positions, &options, in_place);
        match &places {
            Some(places) => {
                let expected = self.sorted(&positions, places, reverse, stable);
                assert_eq!(found.as_ref(), Ok(&expected), "{self}\n{options:?} {in_place} {positions:?}");
                // Numbers of items make every sort stable, and so do ties that the bytes decide.
                for sorter in [Sorter::Qsort, Sorter::Msvcrt] {
                    let options = options.clone().sorter(sorter);
                    let found = self.outcome(&callback, &positions, &options, in_place);
                    assert_eq!(found.as_ref(), Ok(&expected), "{self}\n{options:?} {in_place} {positions:?}");
                }
            }
            None if known => {
                let guest = self.module.instantiate().unwrap();
                let twin = self.outcome(&self.callback(&guest, 1), &positions, &options, in_place);
                assert_eq!(found, twin, "{self}\n{options:?} {in_place} {positions:?}");
            }
            None => {}
        }
        if let Ok(mut sorted) = found {
            let mut all: Vec<_> = positions.iter().map(|at| self.elements[*at as usize].clone()).collect();
            all.sort();
            sorted.sort();
            assert_eq!(sorted, all, "elements are lost: {self}");
        }
    }

    /// Returns the callback of the comparator, or of its twin.
    fn callback(&self, guest: &Guest, which: usize) -> Callback {
        let element = match self.comparator.shape {
            Shape::Numbers { kind, width, .. } => match (kind, width) {
                (Kind::Signed, 1) => CType::Int8,
                (Kind::Signed, 2) => CType::Int16,
                (Kind::Signed, 4) => CType::Int32,
                (Kind::Signed, _) => CType::Int64,
                (Kind::Unsigned, 1) => CType::UInt8,
                (Kind::Unsigned, 2) => CType::UInt16,
                (Kind::Unsigned, 4) => CType::UInt32,
                (Kind::Unsigned, _) => CType::UInt64,
                (Kind::Float, 4) => CType::Float,
                (Kind::Float, _) => CType::Double,
            },
            _ => CType::Void,
        };
        let export = &self.exports[which];
        guest
            .callback(export, Prototype::comparator(element))
            .unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    fn answer(&self, a: usize, b: usize) -> Result<i32, Stop> {
        self.answers[a * self.elements.len() + b]
    }

    /// Returns the place of each element in the order, if the answers fit one.
    fn order(&self) -> Option<Vec<usize>> {
        if self.answers.is_empty() || self.answers.iter().any(Result::is_err) {
            return None;
        }
        let all = 0..self.elements.len();
        let before =
            |a: usize| all.clone().filter(|b| self.answer(a, *b).is_ok_and(|answer| answer > 0)).count();
        let places: Vec<_> = all.clone().map(before).collect();
        let fits = |a: usize, b: usize| self.answer(a, b).unwrap().cmp(&0) == places[a].cmp(&places[b]);
        all.clone().all(|a| all.clone().all(|b| fits(a, b))).then_some(places)
    }

    /// Returns the elements at these positions, sorted.
    fn sorted(&self, positions: &[u32], places: &[usize], reverse: bool, stable: bool) -> Vec<Vec<u8>> {
        let mut sorted = positions.to_vec();
        sorted.sort_by(|a, b| {
            let [a, b] = [*a as usize, *b as usize];
            let order = places[a].cmp(&places[b]);
            let order =
                if stable { order } else { order.then_with(|| self.elements[a].cmp(&self.elements[b])) };
            if reverse { order.reverse() } else { order }
        });
        sorted.into_iter().map(|at| self.elements[at as usize].clone()).collect()
    }

    fn positions(&self, len: usize, choices: &mut Choices<'_>) -> Vec<u32> {
        let mut next = xorshift(choices.below(1 << 16) as u64);
        (0..len).map(|_| (next() % self.elements.len() as u64) as u32).collect()
    }

    /// Checks single comparisons.
    fn single(&self, callback: &Callback, choices: &mut Choices<'_>, interpreter: &mut Interpreter) {
        let len = self.elements.len();
        for _ in 0..12 {
            let [a, b] = [&self.elements[choices.below(len)], &self.elements[choices.below(len)]];
            let (expected, found) = (interpreter.compare(a, b), callback.compare(a, b));
            match expected {
                Err(Stop::Unknown) => return,
                Ok(answer) => assert_eq!(found.ok(), Some(answer.cmp(&0)), "{self}\n{a:?} {b:?}"),
                Err(Stop::Trap(trap)) => self.assert_trapped(found, trap),
            }
        }
    }

    fn assert_trapped<T: std::fmt::Debug>(&self, found: Result<T>, expected: &str) {
        match found {
            Err(Error::Trap { trap, source, .. }) => {
                assert!(trap == expected && !source.frames.is_empty(), "{trap}, not {expected}: {self}")
            }
            other => panic!("{other:?}, not {expected}: {self}"),
        }
    }

    /// Sorts an array by the C library's qsort with the guest, and with the interpreter instead. Returns the
    /// interpreter with its state.
    fn by_c(&self, callback: &Callback, mut positions: Vec<u32>, interpreter: Interpreter) -> Interpreter {
        let array = |positions: &[u32]| -> Vec<u8> {
            positions.iter().flat_map(|at| self.elements[*at as usize].clone()).collect()
        };
        let width = self.elements[0].len();
        let before = array(&positions);
        let mut found = before.clone();
        let outcome = native::qsort_records(&mut found, width, callback);
        let state = std::rc::Rc::new(RefCell::new(interpreter));
        let (of_c, elements) = (state.clone(), self.elements.clone());
        let (answers, len) = (self.answers.clone(), self.elements.len());
        let expected = sort_by_c(&mut positions, move |a, b| match answers.get(a * len + b) {
            Some(answer) => *answer,
            None => of_c.borrow_mut().compare(&elements[a], &elements[b]),
        });
        match expected {
            Ok(()) => {
                assert!(outcome.is_ok(), "{outcome:?}: {self}");
                assert!(found == array(&positions), "{} by qsort differ: {self}", positions.len());
            }
            Err(Stop::Trap(trap)) => {
                self.assert_trapped(outcome, trap);
                assert!(found == before, "{self}");
            }
            // Only one with a state gets here, and only its array is checked.
            Err(Stop::Unknown) => {}
        }
        std::rc::Rc::try_unwrap(state).map_or_else(|state| state.borrow().clone(), RefCell::into_inner)
    }

    /// Sorts the elements at these positions. Returns them in order, or the failure without the name of the
    /// export.
    fn outcome(
        &self,
        callback: &Callback,
        positions: &[u32],
        options: &Options,
        in_place: bool,
    ) -> Result<Vec<Vec<u8>>, String> {
        let all = positions.iter().map(|at| self.elements[*at as usize].clone());
        let mut items = match self.comparator.shape {
            Shape::Lines => {
                Items::lines(all.flat_map(|line| [&line[..], b"\n"].concat()).collect(), b'\n').unwrap()
            }
            _ => Items::records(all.flatten().collect(), self.elements[0].len()).unwrap(),
        };
        let job = Job::new(callback, options.clone());
        let sorted = if in_place {
            job.sort_in_place(&mut items).map(|()| items.iter().map(<[u8]>::to_vec).collect())
        } else {
            job.sort(&items)
                .map(|sorted| sorted.order.iter().map(|at| items.get(*at as usize).to_vec()).collect())
        };
        sorted.map_err(|error| error.to_string().replace(callback.export(), "it"))
    }
}

impl std::fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#?}\nelements {:?}", self.comparator, self.elements)
    }
}

impl Choices<'_> {
    /// Returns a length: mostly short, as each step of a sort is in a short one, too.
    fn of_lengths(&mut self) -> usize {
        match self.below(8) {
            0 => self.below(3000),
            1 | 2 => self.below(300),
            _ => self.below(24),
        }
    }
}

/// Marsaglia's xorshift, from this seed.
fn xorshift(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed | 1 << 40;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}
