//! Random prototypes, called by compiled C code, with a hostile guest behind them: it leaves random bytes in
//! all that it can reach. No value that C finds afterwards is one that C could not have made itself.
//!
//! The judge is in C. It notes each pointer that it passes with its type, and afterwards looks at each scalar
//! of each object: the compiler's own checks (`-fsanitize=undefined`) see them too.
#![allow(unsafe_code, reason = "loads the C code that calls")]

use std::fmt::Write;

use callbox::{CallError, Error, Module, Prototype, Sandbox};

use crate::random_prototypes::{LENGTHS, Maker, SCALARS, Type};
use crate::support::{Random, shared_library};

/// Number of prototypes per module.
const BATCH: usize = 100;

/// Number of calls of each prototype.
const CALLS: usize = 24;

/// The judge of one prototype: statements of C.
struct Judge {
    maker: Maker,
    /// Names of the objects, their types, and whether C passes them as const only.
    objects: Vec<(String, Type, bool)>,
    set_up: String,
    judged: String,
}

impl Judge {
    /// Returns a random type of pointee or field, with all kinds of pointers.
    fn object(&mut self, depth: usize) -> Type {
        match self.maker.random.below(6) {
            0 => Type::Opaque(['a', 'b'][self.maker.random.below(2)], self.maker.random.below(2) == 0),
            1 => Type::Text,
            2 if depth > 0 => {
                Type::Pointer(Box::new(self.object(depth - 1)), self.maker.random.below(2) == 0)
            }
            3 if depth > 0 => {
                let fields = (0..1 + self.maker.random.below(3)).map(|_| self.object(depth - 1)).collect();
                self.maker.plain_struct(fields)
            }
            4 if depth > 0 => Type::Array(Box::new(self.object(depth - 1)), 1 + self.maker.random.below(3)),
            _ => self.maker.object(0),
        }
    }

    /// Adds statements that make `c` a value of the type, and that judge it afterwards, if it `changes`.
    fn fill(&mut self, ty: &Type, c: &str, changes: bool) {
        match ty {
            // The literals of an enumeration are any numbers.
            Type::Scalar(n) if SCALARS[*n].0 == "enum colour" => {
                let _ = writeln!(self.set_up, "{c} = {};", self.maker.random.below(3) as i32 - 1);
            }
            Type::Scalar(n) => {
                let literal = self.maker.literal(*n);
                let _ = writeln!(self.set_up, "{c} = {literal};");
            }
            Type::Array(of, len) => (0..*len).for_each(|n| self.fill(of, &format!("{c}[{n}]"), changes)),
            Type::Struct(_, fields) => {
                for (n, field) in fields.iter().enumerate() {
                    self.fill(field, &format!("{c}.f{n}"), changes);
                }
            }
            Type::Pointer(to, readonly) => {
                let object = self.passed(to, *readonly);
                let _ = writeln!(self.set_up, "{c} = &{object};");
                self.note(c, ty);
            }
            Type::Token | Type::Opaque(..) => {
                let _ = writeln!(self.set_up, "{c} = (void *)(bytes + {});", self.maker.random.below(9));
                self.note(c, ty);
            }
            Type::Text => {
                let text: String = "abcdefgh".chars().take(self.maker.random.below(9)).collect();
                let _ = writeln!(self.set_up, "{c} = \"{text}\";");
                self.note(c, ty);
            }
            Type::Void | Type::Counted(..) => {}
        }
        if changes {
            self.judge(ty, c);
        }
    }

    /// Adds a statement that notes that C passes the pointer `c` as this type.
    fn note(&mut self, c: &str, ty: &Type) {
        let (key, readonly) = pointee(ty);
        let (size, step) = match ty {
            Type::Pointer(to, _) => (to.layout().0.to_string(), element(to).layout().0),
            Type::Text => (format!("strlen({c}) + 1"), 1),
            _ => ("1".to_owned(), 1),
        };
        let _ = writeln!(self.set_up, "note({c}, \"{key}\", {readonly}, {size}, {step});");
    }

    /// Adds statements that judge a scalar.
    fn judge(&mut self, ty: &Type, c: &str) {
        match ty {
            Type::Scalar(n) if SCALARS[*n].2 == 'b' => {
                let _ = writeln!(self.judged, "JUDGE(is_bool(&{c})); sum += table[{c}];");
            }
            Type::Scalar(n) if SCALARS[*n].0 == "enum colour" => {
                let _ = writeln!(self.judged, "JUDGE({c} == RED || {c} == GREEN || {c} == BLUE);");
            }
            Type::Pointer(to, _) => {
                let (key, readonly) = pointee(ty);
                let _ = writeln!(self.judged, "JUDGE(noted({c}, \"{key}\", {readonly}, {}));", to.layout().0);
            }
            Type::Token | Type::Opaque(..) => {
                let (key, readonly) = pointee(ty);
                let _ = writeln!(self.judged, "JUDGE(noted({c}, \"{key}\", {readonly}, 1));");
            }
            Type::Text => {
                let _ = writeln!(self.judged, "JUDGE(noted_text({c}));");
            }
            _ => {}
        }
    }

    /// Returns the name of an object of this type that C passes, sometimes one that it passes already.
    fn passed(&mut self, ty: &Type, readonly: bool) -> String {
        let same = |other: &&mut (String, Type, bool)| other.1.declare("") == ty.declare("");
        if self.maker.random.below(3) == 0
            && let Some((name, _, its)) = self.objects.iter_mut().find(same)
        {
            *its &= readonly;
            return name.clone();
        }
        let name = format!("o{}", self.objects.len());
        self.objects.push((name.clone(), ty.clone(), readonly));
        let (object, before) = (ty.declare(&name), ty.declare(&format!("{name}_before")));
        let _ = writeln!(self.set_up, "static {object}; static {before}; memset(&{name}, 0, sizeof {name});");
        self.fill(ty, &name, true);
        name
    }
}

/// Returns the type of the elements of an array, or the type itself.
fn element(ty: &Type) -> &Type {
    match ty {
        Type::Array(of, _) => element(of),
        other => other,
    }
}

/// Returns the element type that a pointer leads to, as C spells it, and whether it is const.
fn pointee(ty: &Type) -> (String, u8) {
    match ty {
        Type::Pointer(to, readonly) => (element(to).declare(""), (*readonly).into()),
        Type::Opaque(tag, readonly) => (format!("struct {tag}"), (*readonly).into()),
        Type::Text => (Type::Scalar(1).declare(""), 1),
        _ => ("void".into(), 0),
    }
}

/// A random prototype, the C code that calls it, and the hostile export.
struct Case {
    prototype: String,
    c: String,
    wasm: String,
}

fn case(id: usize, random: Random) -> (Case, Random) {
    let (objects, set_up, judged) = Default::default();
    let mut judge = Judge { maker: Maker::of_types(id, random), objects, set_up, judged };
    let mut params: Vec<Type> = Vec::new();
    let wanted = 1 + judge.maker.random.below(5);
    while params.len() < wanted {
        let at = params.len();
        let param = match judge.maker.random.below(10) {
            0 => judge.maker.scalar(),
            1..5 => Type::Pointer(Box::new(judge.object(3)), judge.maker.random.below(3) == 0),
            5 => judge.object(0),
            6 | 7 => {
                params.push(Type::Scalar(LENGTHS[judge.maker.random.below(LENGTHS.len())]));
                let of = [Type::Void, Type::Scalar(1), judge.object(1)];
                let of = of[judge.maker.random.below(3)].clone();
                Type::Counted(Box::new(of), judge.maker.random.below(3) == 0, at)
            }
            _ => {
                let fields = (0..1 + judge.maker.random.below(3)).map(|_| judge.object(2)).collect();
                judge.maker.plain_struct(fields)
            }
        };
        params.push(param);
    }
    let result = match judge.maker.random.below(8) {
        0 => Type::Void,
        1 => Type::Text,
        2 | 3 => match params.iter().find(|param| matches!(param, Type::Pointer(..))) {
            Some(Type::Pointer(to, _)) => Type::Pointer(to.clone(), judge.maker.random.below(2) == 0),
            _ => Type::Token,
        },
        4 => judge.object(0),
        5 | 6 => {
            let fields = (0..1 + judge.maker.random.below(4)).map(|_| judge.object(1)).collect();
            judge.maker.plain_struct(fields)
        }
        _ => judge.maker.scalar(),
    };
    for (at, param) in params.iter().enumerate() {
        let name = format!("v{at}");
        let is_length = params.iter().any(|other| matches!(other, Type::Counted(_, _, n) if *n == at));
        let _ = writeln!(judge.set_up, "{};", c_param(param, &name));
        match param {
            _ if is_length => {
                let _ = writeln!(judge.set_up, "{name} = {};", judge.maker.random.below(7));
            }
            Type::Counted(of, readonly, n) => {
                let of = if let Type::Void = **of { Type::Scalar(3) } else { (**of).clone() };
                let array = Type::Array(Box::new(of.clone()), 9);
                let object = judge.passed(&array, *readonly);
                // Sometimes the run begins inside an object that is passed already.
                let from = judge.maker.random.below(3);
                let _ = writeln!(judge.set_up, "{name} = (void *)({object} + {from});");
                let (key, size) = (element(&of).declare(""), of.layout().0);
                if !matches!(params[at], Type::Counted(ref void, ..) if matches!(**void, Type::Void)) {
                    let step = element(&of).layout().0;
                    let readonly = u8::from(*readonly);
                    let _ =
                        writeln!(judge.set_up, "note({name}, \"{key}\", {readonly}, v{n} * {size}, {step});");
                }
            }
            _ => judge.fill(param, &name, false),
        }
    }
    // The result is judged as memory is.
    let (keep, declared) = match result {
        Type::Void => (String::new(), String::new()),
        _ => ("r = ".to_owned(), format!("{};", result.declare("r"))),
    };
    judge_all(&mut judge, &result, "r");
    let (mut save, mut compare) = (String::new(), String::new());
    for (name, _, readonly) in &judge.objects {
        let _ = writeln!(save, "memcpy(&{name}_before, &{name}, sizeof {name});");
        let _ = writeln!(
            compare,
            "if (memcmp(&{name}_before, &{name}, sizeof {name})) {{ ++*changed; JUDGE(!{}); }}",
            u8::from(*readonly)
        );
    }
    let list: Vec<_> =
        params.iter().enumerate().map(|(at, param)| param.declare(&format!("p{at}"))).collect();
    let in_c: Vec<_> =
        params.iter().enumerate().map(|(at, param)| c_param(param, &format!("p{at}"))).collect();
    let values: Vec<_> = (0..params.len()).map(|at| format!("v{at}")).collect();
    let (types, values) = (&judge.maker.structs, values.join(", "));
    let c = format!(
        "{types} typedef {};
         int drive{id}(t{id} *f, int *changed) {{ int sum = 0; notes = 0; *changed = 0; {declared} {}
         {save} {keep}f({values}); {compare} {} return sum < 0; }}\n",
        result.declare(&format!("t{id}({})", in_c.join(", "))),
        judge.set_up,
        judge.judged,
    );
    let prototype = format!("{COLOUR} {types} {}", result.declare(&format!("f({})", list.join(", "))));
    let wasm = hostile(id, &params, &result);
    (Case { prototype, c, wasm }, judge.maker.random)
}

/// Judges all scalars of a value.
fn judge_all(judge: &mut Judge, ty: &Type, c: &str) {
    match ty {
        Type::Array(of, len) => (0..*len).for_each(|n| judge_all(judge, of, &format!("{c}[{n}]"))),
        Type::Struct(_, fields) => {
            for (n, field) in fields.iter().enumerate() {
                judge_all(judge, field, &format!("{c}.f{n}"));
            }
        }
        other => judge.judge(other, c),
    }
}

/// C has no arrays of void, and no arrays as variables that are parameters.
fn c_param(param: &Type, name: &str) -> String {
    match param {
        Type::Counted(of, readonly, _) => of.qualified(*readonly, &format!("*{name}")),
        other => other.declare(name),
    }
}

/// Returns an export that leaves random bytes wherever its arguments lead, and answers with some.
fn hostile(id: usize, params: &[Type], result: &Type) -> String {
    let core = |ty: &Type| match ty.bare() {
        Type::Scalar(n) if SCALARS[*n].2 == 'f' => ["f32", "f64"][SCALARS[*n].1 / 8],
        Type::Scalar(n) if SCALARS[*n].1 == 8 => "i64",
        _ => "i32",
    };
    let by_address = matches!(result.bare(), Type::Struct(..));
    let mut text = format!("(func (export \"f{id}\")");
    if by_address {
        text.push_str("(param $r i32)");
    }
    for (at, param) in params.iter().enumerate() {
        let _ = write!(text, "(param $p{at} {})", core(param));
    }
    if !by_address && !matches!(result, Type::Void) {
        let _ = write!(text, "(result {})", core(result));
    }
    let addresses = (0..params.len()).filter(|at| core(&params[*at]) == "i32").map(|at| format!("$p{at}"));
    let addresses: Vec<_> = by_address.then(|| "$r".to_owned()).into_iter().chain(addresses).collect();
    for n in 0..8 {
        let from = addresses.get(n % addresses.len().max(1));
        let from = from.map_or("(i32.const 0)".to_owned(), |from| format!("(local.get {from})"));
        let _ = write!(text, "(global.set $g{n} {from})");
    }
    text.push_str("(call $wreck)");
    if !by_address {
        text.push_str(match (result, core(result)) {
            (Type::Void, _) => "",
            (_, "i32") => "(i32.wrap_i64 (call $value))",
            (_, "i64") => "(call $value)",
            (_, "f32") => "(f32.reinterpret_i32 (i32.wrap_i64 (call $value)))",
            _ => "(f64.reinterpret_i64 (call $value))",
        });
    }
    text + ")\n"
}

const COLOUR: &str = "enum colour { RED = -1, GREEN, BLUE };";

const PRELUDE: &str = r#"
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>
#include <wchar.h>
struct a; struct b;
static char bytes[16];
static const int table[2] = { 1, 2 };
static struct { const char *at, *type; int readonly; size_t size, step; } known[4096];
static int notes;
static void note(const volatile void *at, const char *type, int readonly, size_t size, size_t step) {
    known[notes].at = (const char *)at, known[notes].type = type, known[notes].readonly = readonly;
    known[notes].size = size, known[notes++].step = step;
}
static int noted(const volatile void *p, const char *type, int readonly, size_t size) {
    const char *at = (const char *)p;
    if (!at) return 1;
    for (int n = 0; n < notes; n++)
        if (!strcmp(known[n].type, type) && (readonly || !known[n].readonly) && at >= known[n].at
            && at + size <= known[n].at + known[n].size && (at - known[n].at) % known[n].step == 0) return 1;
    return 0;
}
static int noted_text(const char *at) {
    if (!at) return 1;
    for (int n = 0; n < notes; n++)
        if (!strcmp(known[n].type, "char ") && at >= known[n].at && at < known[n].at + known[n].size
            && memchr(at, 0, known[n].at + known[n].size - at)) return 1;
    return 0;
}
static int is_bool(const void *at) { return *(const unsigned char *)at <= 1; }
#define JUDGE(x) do { if (!(x)) return __LINE__; } while (0)
"#;

const HELPERS: &str = r#"(memory (export "memory") 1)
(global $s (mut i64) (i64.const 88172645463325252))
(global $g0 (mut i32) (i32.const 0)) (global $g1 (mut i32) (i32.const 0)) (global $g2 (mut i32) (i32.const 0))
(global $g3 (mut i32) (i32.const 0)) (global $g4 (mut i32) (i32.const 0)) (global $g5 (mut i32) (i32.const 0))
(global $g6 (mut i32) (i32.const 0)) (global $g7 (mut i32) (i32.const 0))
(func $random (result i64)
    (global.set $s (i64.xor (global.get $s) (i64.shl (global.get $s) (i64.const 13))))
    (global.set $s (i64.xor (global.get $s) (i64.shr_u (global.get $s) (i64.const 7))))
    (global.set $s (i64.xor (global.get $s) (i64.shl (global.get $s) (i64.const 17))))
    (global.get $s))
(func $below (param i64) (result i32) (i32.wrap_i64 (i64.rem_u (call $random) (local.get 0))))
;; One of the arguments.
(func $argument (result i32)
    (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
        (br_table $0 $1 $2 $3 $4 $5 $6 $7 (call $below (i64.const 8))))
        (return (global.get $g0))) (return (global.get $g1))) (return (global.get $g2)))
        (return (global.get $g3))) (return (global.get $g4))) (return (global.get $g5)))
        (return (global.get $g6)))
    (global.get $g7))
;; An address near one of the arguments.
(func $near (result i32)
    (local $at i32)
    (local.set $at (i32.add (call $argument) (i32.sub (call $below (i64.const 72)) (i32.const 8))))
    (if (i32.gt_u (local.get $at) (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 8)))
        (then (return (i32.const 64))))
    (if (call $below (i64.const 4)) (then (return (i32.and (local.get $at) (i32.const -8)))))
    (local.get $at))
;; Random bits, or such as might pass for something: a token, an address, a word that is there already.
(func $value (result i64)
    (block $4 (block $3 (block $2 (block $1 (block $0
        (br_table $0 $1 $2 $3 $4 (call $below (i64.const 5))))
        (return (call $random)))
        (return (i64.extend_i32_u (call $below (i64.const 12)))))
        (return (i64.extend_i32_u (i32.add (call $argument) (call $below (i64.const 9))))))
        (return (i64.extend_i32_u (i32.and (call $near) (i32.const -8)))))
    (i64.load (i32.and (call $near) (i32.const -8))))
(func $wreck (local $n i32)
    (local.set $n (i32.add (i32.const 1) (call $below (i64.extend_i32_u
        (i32.add (i32.const 1) (call $below (i64.const 24)))))))
    (loop $next
        (if (call $below (i64.const 4))
            (then (i64.store (call $near) (call $value)))
            (else (i32.store8 (call $near) (i32.wrap_i64 (call $value)))))
        (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
"#;

#[test]
fn a_guest_that_leaves_random_bytes_makes_no_value_that_c_could_not_have_made() {
    let count = std::env::var("CALLBOX_SIGNATURES").map_or(2000, |count| count.parse().unwrap());
    let seed = std::env::var("CALLBOX_SEED").map_or(11, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    let mut cases = Vec::new();
    for id in 0..count {
        let (case, next) = case(id, random);
        cases.push(case);
        random = next;
    }
    let text: String = cases.iter().map(|case| case.c.as_str()).collect();
    let options = ["-O0", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"];
    let text = format!("{PRELUDE}{COLOUR}\n{text}");
    let Some((_dir, library)) = shared_library(&text, &options) else { return };
    // SAFETY: the library has no initialisation.
    let library = unsafe { libloading::Library::new(&library) }.unwrap();
    let sandbox = Sandbox::new(crate::random_prototypes::limits()).unwrap();
    let (mut answered, mut changed_objects, mut refused) = (0, 0, 0);
    for (batch, cases) in cases.chunks(BATCH).enumerate() {
        let functions: String = cases.iter().map(|case| case.wasm.as_str()).collect();
        let text = format!("(module {HELPERS}{functions})");
        let guest = Module::from_text(&sandbox, "hostile", &text).unwrap().instantiate().unwrap();
        for (at, Case { prototype: text, c, wasm }) in cases.iter().enumerate() {
            let id = batch * BATCH + at;
            let prototype: Prototype = text.parse().unwrap_or_else(|error| panic!("{error}"));
            let printed = prototype.to_string();
            assert_eq!(printed.parse::<Prototype>().expect(&printed), prototype, "{printed}");
            let callback = guest
                .callback(&format!("f{id}"), prototype)
                .unwrap_or_else(|error| panic!("{error}\n{wasm}"));
            let kept = callback.retain_as::<callbox::UntypedFn>().unwrap();
            // SAFETY: this is its type in the C source.
            let drive = unsafe {
                library
                    .get::<unsafe extern "C" fn(*const std::ffi::c_void, *mut i32) -> i32>(format!(
                        "drive{id}"
                    ))
                    .unwrap()
            };
            for call in 0..CALLS {
                let mut changed = 0;
                // SAFETY: the function has the prototype.
                let line = unsafe { drive(kept.pointer().as_ptr(), &mut changed) };
                let failure = kept.take_failure();
                assert_eq!(line, 0, "call {call}, {failure:?}: {text}\n{c}");
                match failure {
                    None => answered += 1,
                    Some(Error::Call(CallError::Forged { .. } | CallError::NoValue { .. })) => {
                        refused += 1;
                        assert_eq!(changed, 0, "call {call}: {text}\n{c}");
                    }
                    Some(other) => panic!("{other}: {text}"),
                }
                changed_objects += changed;
            }
        }
    }
    // The guest gets through often enough for the judge to see much.
    let calls = count * CALLS;
    assert!(
        answered > calls / 4 && refused > calls / 20,
        "{answered} of {calls} answered, {refused} refused"
    );
    assert!(changed_objects as usize > calls / 20, "{changed_objects} objects changed in {calls} calls");
}
