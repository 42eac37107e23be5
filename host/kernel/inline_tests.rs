//! Inlined bodies of random comparators against a reference interpreter.

use wasm_encoder::{
    CodeSection, ExportKind, ExportSection, FunctionSection, MemorySection, Module, TypeSection,
};
use wasmtime::{Config, Engine, Instance, Store, Val};

use super::code::FunctionBuilder;
use super::inline::InlineBody;
use super::{MemoryType, ValType};

#[path = "../../tests/all/support/comparators/mod.rs"]
mod comparators;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../../tests/all/support/random.rs"]
mod random;

use comparators::{Choices, Comparator, Interpreter, Stop, data, module};
use random::Random;

/// Number of bodies of a module.
const BATCH: usize = 100;

/// Addresses of two elements.
const PLACES: [usize; 2] = [1024, 2048];

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// Returns a function that makes a comparison with swapped arguments and forgets it, and then the right one:
/// a kernel, too, has the body several times in one function.
fn twice(body: &InlineBody, params: &[ValType]) -> (Vec<ValType>, Vec<ValType>, wasm_encoder::Function) {
    let mut code = FunctionBuilder::new(params);
    let site = body.site(&mut code);
    let (len, half) = (params.len() as u32, params.len() as u32 / 2);
    for first in [half, 0] {
        for at in 0..len {
            code.s().local_get((first + at) % len);
        }
        site.place(&mut code);
        if first != 0 {
            code.s().drop();
        }
    }
    code.done(&[ValType::I32])
}

fn instantiate(engine: &Engine, bodies: &[(Comparator, InlineBody)]) -> (Store<()>, Instance) {
    let (mut types, mut functions, mut code) =
        (TypeSection::new(), FunctionSection::new(), CodeSection::new());
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    for (at, (comparator, body)) in (0..).zip(bodies) {
        let (params, results, function) = twice(body, &comparator.params());
        types.ty().function(params, results);
        functions.function(at);
        code.function(&function);
        exports.export(&format!("f{at}"), ExportKind::Func, at);
    }
    let (memory64, shared, page_size_log2) = (false, false, None);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64, shared, page_size_log2 });
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&memories).section(&exports).section(&code);
    let module = wasmtime::Module::new(engine, module.finish()).unwrap_or_else(|error| panic!("{error:?}"));
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    (store, instance)
}

/// Generates comparators and takes those that can be inlined. Returns how many cannot.
fn bodies(random: &mut Random) -> (Vec<(Comparator, InlineBody)>, usize) {
    let (mut bodies, mut refused) = (Vec::new(), 0);
    while bodies.len() < BATCH {
        let bytes: Vec<u8> = (0..600).map(|_| random.next() as u8).collect();
        let comparator = [Comparator::generate(&mut Choices(&bytes))];
        let wasm = module(&comparator);
        let valid = wasmparser::Validator::new().validate_all(&wasm);
        assert!(valid.is_ok(), "{}: {comparator:#?}", valid.err().unwrap());
        let [comparator] = comparator;
        assert!(InlineBody::of_export(&wasm, &comparator.twin(0)).is_none());
        match InlineBody::of_export(&wasm, &comparator.export(0)) {
            Some(body) => {
                assert!(!comparator.is_bound_to_its_module(), "{comparator:#?}");
                assert_eq!(body.reads(), comparator.reads(), "{comparator:#?}");
                bodies.push((comparator, body));
            }
            None => refused += 1,
        }
    }
    (bodies, refused)
}

#[test]
fn what_is_inlined_of_random_comparators_answers_as_a_reference_interpreter_does() {
    let mut random = Random(setting("CALLBOX_SEED", 5));
    let wanted = setting("CALLBOX_COMPARATORS", 4000) as usize;
    let mut config = Config::new();
    config.cranelift_nan_canonicalization(true);
    let engine = Engine::new(&config).unwrap();
    let [mut inlined, mut refused, mut reads, mut traps, mut signs] = [0; 5];
    while inlined < wanted {
        let (bodies, more) = bodies(&mut random);
        refused += more;
        let (mut store, instance) = instantiate(&engine, &bodies);
        for (at, (comparator, body)) in bodies.iter().enumerate() {
            inlined += 1;
            reads += usize::from(body.reads());
            let function = instance.get_func(&mut store, &format!("f{at}")).unwrap();
            let bytes: Vec<u8> = (0..200).map(|_| random.next() as u8).collect();
            let mut choices = Choices(&bytes);
            let elements = choices.elements(comparator.shape, 6);
            let mut interpreter = Interpreter::new(comparator.clone());
            let mut answers = Vec::new();
            for [a, b] in elements.iter().flat_map(|a| elements.iter().map(move |b| [a, b])) {
                // The swapped comparison comes first, and traps first.
                let expected = interpreter.compare(b, a).and_then(|_| interpreter.compare(a, b));
                if expected == Err(Stop::Unknown) {
                    continue;
                }
                let memory = instance.get_memory(&mut store, "memory").unwrap();
                let memory = memory.data_mut(&mut store);
                (0..PLACES[0]).for_each(|at| memory[at] = data(at));
                for (place, element) in PLACES.into_iter().zip([a, b]) {
                    memory[place..][..element.len()].copy_from_slice(element);
                }
                let arguments: Vec<Val> = [a, b]
                    .into_iter()
                    .zip(PLACES)
                    .flat_map(|(element, place)| {
                        comparator.arguments(element, place as u64).into_iter().zip(comparator.params()).map(
                            |(bits, ty)| match ty {
                                ValType::I64 => Val::I64(bits as i64),
                                ValType::F32 => Val::F32(bits as u32),
                                ValType::F64 => Val::F64(bits),
                                _ => Val::I32(bits as i32),
                            },
                        )
                    })
                    .collect();
                let mut found = [Val::I32(0)];
                let outcome = function.call(&mut store, &arguments, &mut found);
                match expected {
                    Ok(answer) => {
                        assert!(outcome.is_ok(), "{outcome:?}: {comparator:#?} {a:?} {b:?}");
                        assert_eq!(found[0].i32(), Some(answer), "{comparator:#?} {a:?} {b:?}");
                        answers.push(answer.signum());
                    }
                    Err(_) => {
                        traps += 1;
                        let trap = outcome.unwrap_err().downcast::<wasmtime::Trap>().unwrap();
                        assert_eq!(trap, wasmtime::Trap::MemoryOutOfBounds, "{comparator:#?} {a:?} {b:?}");
                    }
                }
            }
            signs += usize::from(answers.iter().any(|answer| *answer != answers[0]));
        }
    }
    let counted =
        format!("{inlined} inlined, {refused} not; {reads} read; {signs} tell elements apart; {traps} traps");
    assert!(refused > inlined / 2 && reads > inlined / 5 && signs > inlined / 3, "{counted}");
    assert!(traps > inlined / 40, "{counted}");
}
