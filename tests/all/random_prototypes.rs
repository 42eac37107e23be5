//! Random prototypes, called by compiled C code: a guest's arguments, results and writes are those of a C
//! function of the same prototype. The C compiler is the oracle.
#![allow(unsafe_code, reason = "loads the C code that calls")]

use std::ffi::c_void;
use std::fmt::Write;

use callbox::{Limits, Module, Prototype, Sandbox, UntypedFn};

use crate::support::{Random, shared_library};

/// C's name, size, and kind of leaf: signed, unsigned, float or `_Bool`.
pub(crate) const SCALARS: [(&str, usize, char); 29] = [
    ("_Bool", 1, 'b'),
    ("char", 1, 's'),
    ("signed char", 1, 's'),
    ("unsigned char", 1, 'u'),
    ("short", 2, 's'),
    ("unsigned short", 2, 'u'),
    ("int", 4, 's'),
    ("unsigned int", 4, 'u'),
    ("long", 8, 's'),
    ("unsigned long", 8, 'u'),
    ("long long", 8, 's'),
    ("unsigned long long", 8, 'u'),
    ("int8_t", 1, 's'),
    ("int16_t", 2, 's'),
    ("int32_t", 4, 's'),
    ("int64_t", 8, 's'),
    ("uint8_t", 1, 'u'),
    ("uint16_t", 2, 'u'),
    ("uint32_t", 4, 'u'),
    ("uint64_t", 8, 'u'),
    ("size_t", 8, 'u'),
    ("ssize_t", 8, 's'),
    ("intptr_t", 8, 's'),
    ("uintptr_t", 8, 'u'),
    ("ptrdiff_t", 8, 's'),
    ("float", 4, 'f'),
    ("double", 8, 'f'),
    ("wchar_t", 4, 's'),
    ("enum colour", 4, 's'),
];

/// Indices into [`SCALARS`] of the integers for lengths.
pub(crate) const LENGTHS: [usize; 6] = [4, 5, 6, 7, 8, 20];

#[derive(Clone)]
pub(crate) enum Type {
    Void,
    Scalar(usize),
    Array(Box<Type>, usize),
    /// Number of the tag, and fields.
    Struct(usize, Vec<Type>),
    Pointer(Box<Type>, bool),
    Token,
    /// A pointer to a struct of this tag with unknown fields, `const` or not.
    Opaque(char, bool),
    Text,
    /// Elements, `const` or not, counted by the argument of this index.
    Counted(Box<Type>, bool, usize),
}

impl Type {
    /// Returns a C declaration, with structs by their tags.
    pub(crate) fn declare(&self, inner: &str) -> String {
        match self {
            Type::Void => format!("void {inner}"),
            Type::Scalar(n) => format!("{} {inner}", SCALARS[*n].0),
            Type::Array(of, len) => {
                let inner = if inner.starts_with('*') { format!("({inner})") } else { inner.into() };
                of.declare(&format!("{inner}[{len}]"))
            }
            Type::Struct(tag, _) => format!("struct s{tag} {inner}"),
            Type::Pointer(to, readonly) => to.qualified(*readonly, &format!("*{inner}")),
            Type::Token => format!("void *{inner}"),
            Type::Opaque(tag, readonly) => {
                format!("{}struct {tag} *{inner}", if *readonly { "const " } else { "" })
            }
            Type::Text => format!("const char *{inner}"),
            Type::Counted(of, readonly, n) => of.qualified(*readonly, &format!("{inner}[p{n}]")),
        }
    }

    /// Returns a C declaration of a type that may be `const`.
    pub(crate) fn qualified(&self, readonly: bool, inner: &str) -> String {
        match self {
            _ if !readonly => self.declare(inner),
            Type::Array(of, len) => {
                let inner = if inner.starts_with('*') { format!("({inner})") } else { inner.into() };
                of.qualified(readonly, &format!("{inner}[{len}]"))
            }
            Type::Pointer(..) | Type::Token | Type::Opaque(..) | Type::Text => {
                self.declare(&format!("const {inner}"))
            }
            _ => format!("const {}", self.declare(inner)),
        }
    }

    pub(crate) fn layout(&self) -> (usize, usize) {
        match self {
            Type::Void => (1, 1),
            Type::Scalar(n) => (SCALARS[*n].1, SCALARS[*n].1),
            Type::Array(of, len) => (of.layout().0 * len, of.layout().1),
            Type::Struct(_, fields) => {
                let align = fields.iter().map(|field| field.layout().1).max().unwrap();
                let end = fields
                    .iter()
                    .fold(0, |at: usize, field| at.next_multiple_of(field.layout().1) + field.layout().0);
                (end.next_multiple_of(align), align)
            }
            _ => (8, 8),
        }
    }

    /// Returns the offset of each field.
    fn offsets(fields: &[Type]) -> Vec<usize> {
        let mut at: usize = 0;
        let mut offsets = Vec::new();
        for field in fields {
            at = at.next_multiple_of(field.layout().1);
            offsets.push(at);
            at += field.layout().0;
        }
        offsets
    }

    /// Returns the type that a struct of a single scalar is passed as.
    pub(crate) fn bare(&self) -> &Type {
        match self {
            Type::Struct(_, fields) if fields.len() == 1 => match fields[0].bare() {
                Type::Struct(..) | Type::Array(..) => self,
                scalar => scalar,
            },
            Type::Array(of, 1) => of.bare(),
            _ => self,
        }
    }

    /// Appends each scalar and token in it: the C expression, the wasm address with its offset, and the type.
    fn leaves(&self, c: &str, address: &str, offset: usize, out: &mut Vec<(String, String, usize, Type)>) {
        match self {
            Type::Array(of, len) => {
                for n in 0..*len {
                    of.leaves(&format!("{c}[{n}]"), address, offset + n * of.layout().0, out);
                }
            }
            Type::Struct(_, fields) => {
                for (n, (field, at)) in fields.iter().zip(Type::offsets(fields)).enumerate() {
                    field.leaves(&format!("{c}.f{n}"), address, offset + at, out);
                }
            }
            Type::Pointer(to, _) => {
                to.leaves(&format!("(*{c})"), &format!("(i32.load offset={offset} {address})"), 0, out);
            }
            leaf => out.push((c.into(), address.into(), offset, leaf.clone())),
        }
    }
}

impl Maker {
    /// Returns a generator of types only.
    pub(crate) fn of_types(id: usize, random: Random) -> Maker {
        let (structs, set_up, log) = Default::default();
        Maker { random, tags: id * 1000, objects: 0, structs, set_up, log }
    }
}

/// Generator of one prototype: its caller in C, its callee in C, and its callee in wasm.
pub(crate) struct Maker {
    pub(crate) random: Random,
    pub(crate) tags: usize,
    objects: usize,
    /// C definitions of structs, in order.
    pub(crate) structs: String,
    /// Statements that initialise the arguments.
    set_up: String,
    /// Statements that log the contents of C's memory afterwards.
    log: String,
}

impl Maker {
    pub(crate) fn scalar(&mut self) -> Type {
        Type::Scalar(self.random.below(SCALARS.len()))
    }

    /// Returns a random type for a pointee or a field.
    pub(crate) fn object(&mut self, depth: usize) -> Type {
        match self.random.below(if depth == 0 { 3 } else { 8 }) {
            // No plain `char`: a `const char *` is a text.
            0..3 => match self.scalar() {
                Type::Scalar(1) => Type::Scalar(2),
                other => other,
            },
            3 => Type::Array(Box::new(self.object(depth - 1)), 1 + self.random.below(3)),
            4 | 5 => {
                let fields = (0..1 + self.random.below(4)).map(|_| self.object(depth - 1)).collect();
                self.plain_struct(fields)
            }
            6 => Type::Pointer(Box::new(self.object(depth - 1)), self.random.below(2) == 0),
            _ => Type::Token,
        }
    }

    pub(crate) fn plain_struct(&mut self, fields: Vec<Type>) -> Type {
        self.tags += 1;
        let _ = write!(self.structs, "struct s{} {{ ", self.tags);
        for (n, field) in fields.iter().enumerate() {
            let _ = write!(self.structs, "{}; ", field.declare(&format!("f{n}")));
        }
        self.structs.push_str("};\n");
        Type::Struct(self.tags, fields)
    }

    /// Returns a random value of a scalar, as C text.
    pub(crate) fn literal(&mut self, scalar: usize) -> String {
        let (name, size, kind) = SCALARS[scalar];
        let bits = match self.random.below(4) {
            0 => [0, 1, u64::MAX, i64::MIN as u64, 0x7f, 0x80, 0xff][self.random.below(7)],
            _ => self.random.next(),
        };
        match kind {
            'b' => (bits & 1).to_string(),
            'f' => format!("({name}){}.5", (bits as i16)),
            _ => format!("({name})0x{:x}ull", bits & (u64::MAX >> (64 - 8 * size))),
        }
    }

    /// Adds statements that initialise an object, and that log it afterwards.
    fn fill(&mut self, ty: &Type, c: &str) {
        match ty {
            Type::Scalar(n) => {
                let literal = self.literal(*n);
                let _ = writeln!(self.set_up, "{c} = {literal};");
                let _ = writeln!(self.log, "LOG({});", bits_in_c(*n, c));
            }
            Type::Array(of, len) => (0..*len).for_each(|n| self.fill(of, &format!("{c}[{n}]"))),
            Type::Struct(_, fields) => {
                for (n, field) in fields.iter().enumerate() {
                    self.fill(field, &format!("{c}.f{n}"));
                }
            }
            Type::Pointer(to, _) => {
                let object = self.new_object(to);
                let _ = writeln!(self.set_up, "{c} = &{object};");
                let _ = writeln!(self.log, "LOG({c} == &{object});");
            }
            Type::Opaque(..) => unreachable!("only hostile guests get them"),
            Type::Token => {
                let null = self.random.below(3) == 0;
                let token =
                    if null { "0".into() } else { format!("(void *)(log + {})", self.random.below(9)) };
                let _ = writeln!(self.set_up, "{c} = {token};");
                let _ = writeln!(self.log, "LOG({c} == {token});");
            }
            Type::Text => {
                let text: String = (0..self.random.below(20)).map(|n| (b'a' + n as u8) as char).collect();
                let _ = writeln!(self.set_up, "{c} = \"{text}\";");
            }
            Type::Void | Type::Counted(..) => {}
        }
    }

    fn new_object(&mut self, ty: &Type) -> String {
        self.objects += 1;
        let name = format!("o{}", self.objects);
        // Zeroes padding too, so that a byte too many would show.
        let _ = writeln!(self.set_up, "static {}; memset(&{name}, 0, sizeof {name});", ty.declare(&name));
        self.fill(ty, &name);
        name
    }
}

/// Returns a leaf as 64 bits, in C.
fn bits_in_c(scalar: usize, c: &str) -> String {
    match SCALARS[scalar] {
        (_, 4, 'f') => format!("fbits({c})"),
        (_, _, 'f') => format!("dbits({c})"),
        (_, _, 's') => format!("(uint64_t)(int64_t){c}"),
        _ => format!("(uint64_t){c}"),
    }
}

/// As [`bits_in_c`], for a leaf in the guest's memory, in wasm.
fn bits_in_wasm(leaf: &Type, address: &str, offset: usize) -> String {
    let Type::Scalar(scalar) = leaf else {
        return format!("(i64.extend_i32_u (i64.ne (i64.load offset={offset} {address}) (i64.const 0)))");
    };
    let (_, size, kind) = SCALARS[*scalar];
    let sign = if kind == 's' { 's' } else { 'u' };
    match size {
        8 => format!("(i64.load offset={offset} {address})"),
        _ => format!("(i64.load{}_{sign} offset={offset} {address})", 8 * size),
    }
}

/// Returns the new value of a leaf, made from the hash `h`, in C and in wasm.
fn made_of_hash(scalar: usize) -> (String, String) {
    let (name, size, kind) = SCALARS[scalar];
    match (kind, size) {
        ('b', _) => {
            ("(_Bool)(h & 1)".into(), "(i64.store8 ADDR (i64.and (local.get $h) (i64.const 1)))".into())
        }
        ('f', 4) => (
            "(float)(int)(h & 0xffff)".into(),
            "(f32.store ADDR (f32.convert_i32_s (i32.and (i32.wrap_i64 (local.get $h)) (i32.const 0xffff))))"
                .into(),
        ),
        ('f', _) => (
            "(double)(int)(h & 0xffff)".into(),
            "(f64.store ADDR (f64.convert_i32_s (i32.and (i32.wrap_i64 (local.get $h)) (i32.const 0xffff))))"
                .into(),
        ),
        (_, 8) => (format!("({name})h"), "(i64.store ADDR (local.get $h))".into()),
        _ => (format!("({name})h"), format!("(i64.store{} ADDR (local.get $h))", 8 * size)),
    }
}

/// A random prototype, with its C and its wasm code.
struct Signature {
    prototype: String,
    /// Its types, its callee, and its caller.
    c: [String; 3],
    /// Whether its calling convention is Microsoft's.
    ms: bool,
    wasm: String,
}

const MIX_IN_WASM: &str = "(local.set $h (call $mix (local.get $h) VALUE))\n";

fn signature(id: usize, random: Random) -> (Signature, Random) {
    let mut maker = Maker::of_types(id, random);
    let (mut params, mut cores): (Vec<Type>, Vec<String>) = Default::default();
    let (mut c, mut wasm) = (String::new(), String::new());
    let wanted = maker.random.below(7);
    while params.len() < wanted {
        let at = params.len();
        let param = match maker.random.below(12) {
            0..4 => maker.scalar(),
            4..7 => Type::Pointer(Box::new(maker.object(3)), maker.random.below(2) == 0),
            7 => Type::Text,
            8 => Type::Token,
            9 => {
                params.push(Type::Scalar(LENGTHS[maker.random.below(LENGTHS.len())]));
                let of = if maker.random.below(2) == 0 { Type::Void } else { maker.scalar() };
                Type::Counted(Box::new(of), maker.random.below(2) == 0, at)
            }
            _ => {
                let fields = (0..1 + maker.random.below(3)).map(|_| maker.object(1)).collect();
                maker.plain_struct(fields)
            }
        };
        params.push(param);
    }
    let result = match maker.random.below(8) {
        0 => Type::Void,
        1 | 2 => {
            let fields = (0..1 + maker.random.below(4)).map(|_| maker.scalar()).collect();
            maker.plain_struct(fields)
        }
        3 => Type::Token,
        4 => match params.iter().find(|param| matches!(param, Type::Pointer(..))) {
            Some(pointer) => pointer.clone(),
            None => Type::Void,
        },
        _ => maker.scalar(),
    };
    let mut answered = None;
    let mut changes: Vec<(String, String)> = Vec::new();
    for (at, param) in params.clone().iter().enumerate() {
        let (name, local) = (format!("p{at}"), format!("(local.get $p{at})"));
        // The caller's side.
        let length = params.iter().find(|other| matches!(other, Type::Counted(_, _, n) if *n == at));
        match (param, length) {
            (Type::Scalar(_), Some(_)) => {
                let _ = writeln!(
                    maker.set_up,
                    "{} = {};",
                    param.declare(&format!("v{at}")),
                    maker.random.below(9)
                );
            }
            (Type::Counted(of, _, n), _) => {
                let of = if let Type::Void = **of { Type::Scalar(3) } else { (**of).clone() };
                let object = maker.new_object(&Type::Array(Box::new(of), 9));
                let _ = writeln!(maker.set_up, "void *v{at} = v{n} ? &{object} : 0;");
            }
            (Type::Pointer(to, _), _) if maker.random.below(8) == 0 => {
                let _ = writeln!(
                    maker.set_up,
                    "{} = 0;",
                    Type::Pointer(to.clone(), false).declare(&format!("v{at}"))
                );
            }
            _ => {
                let _ = writeln!(maker.set_up, "{};", param.declare(&format!("v{at}")));
                if matches!(param, Type::Struct(..)) {
                    let _ = writeln!(maker.set_up, "memset(&v{at}, 0, sizeof v{at});");
                }
                maker.fill(param, &format!("v{at}"));
            }
        }
        // The callees' side.
        let mut leaves = Vec::new();
        match param.bare() {
            Type::Scalar(n) => {
                let (_, size, kind) = SCALARS[*n];
                let narrow = length.is_some() && maker.random.below(2) == 0;
                let core = match (kind, size) {
                    ('f', 4) => ["f32", "f64"][maker.random.below(2)],
                    ('f', _) => "f64",
                    (_, 8) => {
                        if narrow {
                            "i32"
                        } else {
                            "i64"
                        }
                    }
                    _ => ["i32", "i64"][maker.random.below(2)],
                };
                cores.push(core.to_owned());
                let sign = if kind == 's' { 's' } else { 'u' };
                let bits = match (kind, core, size) {
                    ('f', "f32", _) => format!("(i64.extend_i32_u (i32.reinterpret_f32 {local}))"),
                    ('f', _, 4) => {
                        format!("(i64.extend_i32_u (i32.reinterpret_f32 (f32.demote_f64 {local})))")
                    }
                    ('f', ..) => format!("(i64.reinterpret_f64 {local})"),
                    (_, "i32", _) => format!("(i64.extend_i32_{sign} {local})"),
                    _ => local.clone(),
                };
                wasm.push_str(&MIX_IN_WASM.replace("VALUE", &bits));
                // Reaches through the structs that hold it, whatever their names.
                let mut inner = Vec::new();
                param.leaves(&name, "", 0, &mut inner);
                let _ = writeln!(c, "h = mix(h, {});", bits_in_c(*n, &inner[0].0));
            }
            Type::Token => {
                cores.push("i64".into());
                wasm.push_str(
                    &MIX_IN_WASM
                        .replace("VALUE", &format!("(i64.extend_i32_u (i64.ne {local} (i64.const 0)))")),
                );
                let mut inner = Vec::new();
                param.leaves(&name, "", 0, &mut inner);
                let _ = writeln!(c, "h = mix(h, {} != 0);", inner[0].0);
                if let (Type::Token, Type::Token) = (&result, param) {
                    answered = Some((name.clone(), local.clone()));
                }
            }
            Type::Text => {
                cores.push("i32".into());
                let _ = writeln!(wasm, "(local.set $h (call $text (local.get $h) {local}))");
                let _ = writeln!(c, "for (const char *t = {name}; *t; t++) h = mix(h, (uint64_t)*t);");
            }
            Type::Counted(of, readonly, n) => {
                cores.push("i32".into());
                let of = if let Type::Void = **of { Type::Scalar(3) } else { (**of).clone() };
                let Type::Scalar(scalar) = of else { unreachable!() };
                let (size, count) = (SCALARS[scalar].1, format!("(local.get $p{n})"));
                let count = if cores[*n] == "i64" { format!("(i32.wrap_i64 {count})") } else { count };
                let (in_c, in_wasm) = made_of_hash(scalar);
                let change = match readonly {
                    true => String::new(),
                    false => format!(
                        "{} {}",
                        MIX_IN_WASM.replace("VALUE", "(i64.const 7)"),
                        in_wasm.replace("ADDR", "(local.get $e)")
                    ),
                };
                let _ = writeln!(
                    wasm,
                    "(local.set $e {local}) (local.set $n {count})
                     (block $end (loop $next (br_if $end (i32.eqz (local.get $n)))
                        {} {change}
                        (local.set $e (i32.add (local.get $e) (i32.const {size})))
                        (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br $next)))",
                    MIX_IN_WASM.replace("VALUE", &bits_in_wasm(&of, "(local.get $e)", 0)),
                );
                let (ty, element) = (SCALARS[scalar].0, format!("e{at}[i]"));
                let change =
                    if *readonly { String::new() } else { format!("h = mix(h, 7); {element} = {in_c};") };
                let _ = writeln!(
                    c,
                    "{{ {ty} *e{at} = (void *){name}; for (int i = 0; i < (int)p{n}; i++) \
                     {{ h = mix(h, {}); {change} }} }}",
                    bits_in_c(scalar, &element),
                );
            }
            Type::Pointer(to, readonly) => {
                cores.push("i32".into());
                let mut inner = Vec::new();
                // A struct of a single pointer is that pointer.
                let mut path = name.clone();
                let mut outer = param;
                while !matches!(outer, Type::Pointer(..)) {
                    (path, outer) = match outer {
                        Type::Struct(_, fields) => (format!("{path}.f0"), &fields[0]),
                        Type::Array(of, _) => (format!("{path}[0]"), &**of),
                        other => (path, other),
                    };
                }
                to.leaves(&format!("(*{path})"), &local, 0, &mut inner);
                let (mut in_c, mut in_wasm) = (String::new(), String::new());
                for (expression, address, offset, leaf) in &inner {
                    in_wasm.push_str(&MIX_IN_WASM.replace("VALUE", &bits_in_wasm(leaf, address, *offset)));
                    match leaf {
                        Type::Scalar(n) => {
                            let _ = writeln!(in_c, "h = mix(h, {});", bits_in_c(*n, expression));
                        }
                        _ => {
                            let _ = writeln!(in_c, "h = mix(h, {expression} != 0);");
                        }
                    }
                }
                let _ = writeln!(c, "if ({path}) {{ {in_c} }}");
                let _ = writeln!(wasm, "(if {local} (then {in_wasm}))");
                if !readonly && let Type::Scalar(_) | Type::Array(..) | Type::Struct(..) = **to {
                    let (mut in_c, mut in_wasm) = (String::new(), String::new());
                    // Only leaves of its own: the pointees of its pointers may be const.
                    let own = inner.iter().filter(|(_, address, ..)| *address == local);
                    for (expression, _, offset, leaf) in own {
                        let Type::Scalar(n) = leaf else { continue };
                        let (new_c, new_wasm) = made_of_hash(*n);
                        let _ = writeln!(in_c, "h = mix(h, 7); {expression} = {new_c};");
                        let address = format!("(i32.add {local} (i32.const {offset}))");
                        in_wasm.push_str(&MIX_IN_WASM.replace("VALUE", "(i64.const 7)"));
                        in_wasm.push_str(&new_wasm.replace("ADDR", &address));
                    }
                    changes.push((
                        format!("if ({path}) {{ {in_c} }}"),
                        format!("(if {local} (then {in_wasm}))"),
                    ));
                }
                if let (Type::Pointer(..), Type::Pointer(..)) = (&result, param)
                    && answered.is_none()
                {
                    answered = Some((name.clone(), local.clone()));
                }
            }
            Type::Struct(..) => {
                cores.push("i32".into());
                param.leaves(&name, &local, 0, &mut leaves);
                for (expression, address, offset, leaf) in &leaves {
                    wasm.push_str(&MIX_IN_WASM.replace("VALUE", &bits_in_wasm(leaf, address, *offset)));
                    match leaf {
                        Type::Scalar(n) => {
                            let _ = writeln!(c, "h = mix(h, {});", bits_in_c(*n, expression));
                        }
                        _ => {
                            let _ = writeln!(c, "h = mix(h, {expression} != 0);");
                        }
                    }
                }
            }
            Type::Void | Type::Array(..) | Type::Opaque(..) => unreachable!(),
        }
    }
    for (in_c, in_wasm) in changes {
        c.push_str(&in_c);
        wasm.push_str(&in_wasm);
    }
    // The result.
    let mut core = String::new();
    let (mut returned, mut place) = (String::new(), false);
    match result.bare() {
        Type::Void => {}
        Type::Scalar(n) => {
            let (_, size, kind) = SCALARS[*n];
            let (in_c, _) = made_of_hash(*n);
            let float = "(i32.and (i32.wrap_i64 (local.get $h)) (i32.const 0xffff))";
            let (ty, value) = match (kind, size) {
                ('b', _) => ("i32", "(i32.wrap_i64 (i64.and (local.get $h) (i64.const 1)))".to_owned()),
                ('f', 4) => ("f32", format!("(f32.convert_i32_s {float})")),
                ('f', _) => ("f64", format!("(f64.convert_i32_s {float})")),
                (_, 8) => ("i64", "(local.get $h)".into()),
                // Has more bits than the result: only C's count.
                _ => ("i32", "(i32.wrap_i64 (local.get $h))".into()),
            };
            core = format!("(result {ty})");
            wasm.push_str(&value);
            let mut inner = Vec::new();
            result.leaves("r", "", 0, &mut inner);
            let _ = writeln!(returned, "{} = {in_c}; return r;", inner[0].0);
            let _ = writeln!(maker.log, "LOG({});", bits_in_c(*n, &inner[0].0));
        }
        Type::Token | Type::Pointer(..) => {
            let (in_c, in_wasm) = answered.unwrap_or(("0".into(), "(i64.const 0)".into()));
            let is_token = matches!(result, Type::Token);
            core = if is_token { "(result i64)".into() } else { "(result i32)".into() };
            wasm.push_str(&in_wasm);
            let _ = writeln!(returned, "return (void *){in_c};");
            let _ = writeln!(maker.log, "LOG((uint64_t)r);");
        }
        _ => {
            place = true;
            let mut leaves = Vec::new();
            result.leaves("r", "(local.get $r)", 0, &mut leaves);
            for (expression, address, offset, leaf) in &leaves {
                let Type::Scalar(n) = leaf else { unreachable!() };
                let (in_c, in_wasm) = made_of_hash(*n);
                let _ = writeln!(returned, "h = mix(h, 9); {expression} = {in_c};");
                wasm.push_str(&MIX_IN_WASM.replace("VALUE", "(i64.const 9)"));
                wasm.push_str(&in_wasm.replace("ADDR", &format!("(i32.add {address} (i32.const {offset}))")));
                let _ = writeln!(maker.log, "LOG({});", bits_in_c(*n, expression));
            }
            returned.push_str("return r;");
        }
    }
    let conv = ["", "__attribute__((ms_abi)) ", "__attribute__((sysv_abi)) "][maker.random.below(3)];
    let list: Vec<_> =
        params.iter().enumerate().map(|(at, param)| param.declare(&format!("p{at}"))).collect();
    let list = if list.is_empty() { "void".into() } else { list.join(", ") };
    let prototype = result.declare(&format!("{conv}f({list})"));
    // C has no arrays of void.
    let in_c: Vec<_> = params
        .iter()
        .enumerate()
        .map(|(at, param)| match param {
            Type::Counted(of, true, _) if matches!(**of, Type::Void) => format!("const void *p{at}"),
            Type::Counted(of, false, _) if matches!(**of, Type::Void) => format!("void *p{at}"),
            other => other.declare(&format!("p{at}")),
        })
        .collect();
    let in_c = if in_c.is_empty() { "void".into() } else { in_c.join(", ") };
    let values: Vec<_> = (0..params.len()).map(|at| format!("v{at}")).collect();
    let (keep, local) = match result {
        Type::Void => (String::new(), String::new()),
        _ => (format!("{} = ", result.declare("r")), format!("{};", result.declare("r"))),
    };
    let pointers = if matches!(result, Type::Token | Type::Pointer(..)) { String::new() } else { local };
    let types = format!("{}\ntypedef {};\n", maker.structs, result.declare(&format!("{conv}t{id}({in_c})")));
    let head = result.declare(&format!("{conv}ref{id}({in_c})"));
    let reference = format!("{head} {{ uint64_t h = 1; {pointers} {c} {returned} }}\n");
    let (set_up, log, values) = (&maker.set_up, &maker.log, values.join(", "));
    let drive = format!(
        "int drive{id}(t{id} *f, uint64_t *log) {{ int n = 0; {set_up} if (!f) f = (t{id} *)ref{id}; \
         {keep}f({values}); {log} return n; }}\n"
    );
    let place = if place { "(param $r i32)" } else { "" };
    let cores: String = cores.iter().enumerate().map(|(at, core)| format!("(param $p{at} {core})")).collect();
    let function = format!(
        "(func (export \"f{id}\") {place} {cores} {core} (local $h i64) (local $e i32) (local $n i32)\n\
         (local.set $h (i64.const 1))\n{wasm})\n"
    );
    let prototype = format!("{} {prototype}", maker.structs);
    let ms = conv.contains("ms_abi");
    (Signature { prototype, c: [types, reference, drive], ms, wasm: function }, maker.random)
}

const PRELUDE: &str = "
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <sys/types.h>
#include <wchar.h>
enum colour { RED = -1, GREEN, BLUE };
#define LOG(x) (log[n++] = (uint64_t)(x))
static uint64_t mix(uint64_t h, uint64_t v) { h = (h ^ v) * 0x100000001b3ull; return h ^ h >> 29; }
static uint64_t fbits(float f) { uint32_t u; memcpy(&u, &f, 4); return u; }
static uint64_t dbits(double d) { uint64_t u; memcpy(&u, &d, 8); return u; }
";

const HELPERS: &str = r#"(memory (export "memory") 1)
(func $mix (param $h i64) (param $v i64) (result i64)
    (local.set $h (i64.mul (i64.xor (local.get $h) (local.get $v)) (i64.const 0x100000001b3)))
    (i64.xor (local.get $h) (i64.shr_u (local.get $h) (i64.const 29))))
(func $text (param $h i64) (param $t i32) (result i64)
    (block $end (loop $next
        (br_if $end (i32.eqz (i32.load8_u (local.get $t))))
        (local.set $h (call $mix (local.get $h) (i64.load8_s (local.get $t))))
        (local.set $t (i32.add (local.get $t) (i32.const 1)))
        (br $next)))
    (local.get $h))
"#;

/// Limits that admit modules with an export for each prototype.
pub(crate) fn limits() -> Limits {
    let limits = Limits::default().complexity(10_000_000).code_size(16 << 20).function_size(1 << 20);
    limits.functions(10_000).types(10_000).params(1_000).declarations(10_000).module_text(16 << 20)
}

/// Number of prototypes per module.
const BATCH: usize = 100;

#[test]
fn c_cannot_tell_a_guest_from_a_function_of_its_own() {
    let count = std::env::var("CALLBOX_SIGNATURES").map_or(2000, |count| count.parse().unwrap());
    let seed = std::env::var("CALLBOX_SEED").map_or(7, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    let mut signatures = Vec::new();
    for id in 0..count {
        let (signature, next) = signature(id, random);
        signatures.push(signature);
        random = next;
    }
    // Grouped by calling convention, because the compiler is slow at each change of it.
    let part = |part: usize, ms: bool| {
        let of = signatures.iter().filter(move |signature| part != 1 || signature.ms == ms);
        of.map(|signature| signature.c[part].as_str()).collect::<String>()
    };
    let text = [part(0, false), part(1, true), part(1, false), part(2, false)].concat();
    let Some((_dir, library)) = shared_library(&format!("{PRELUDE}{text}"), &["-O0"]) else { return };
    // SAFETY: the library has no initialisation.
    let library = unsafe { libloading::Library::new(&library) }.unwrap();
    let sandbox = Sandbox::new(limits()).unwrap();
    for (batch, signatures) in signatures.chunks(BATCH).enumerate() {
        let functions: String = signatures.iter().map(|signature| signature.wasm.as_str()).collect();
        let text = format!("(module {HELPERS}{functions})");
        let guest = Module::from_text(&sandbox, "random", &text).unwrap().instantiate().unwrap();
        for (at, Signature { prototype: text, wasm, .. }) in signatures.iter().enumerate() {
            let id = batch * BATCH + at;
            let prototype: Prototype = text.parse().unwrap_or_else(|error| panic!("{error}"));
            let printed = prototype.to_string();
            assert_eq!(printed.parse::<Prototype>().unwrap(), prototype, "{printed}");
            let callback = guest
                .callback(&format!("f{id}"), prototype)
                .unwrap_or_else(|error| panic!("{error}\n{wasm}"));
            let kept = callback.retain_as::<UntypedFn>().unwrap();
            // SAFETY: this is its type in the C source.
            let drive = unsafe {
                library
                    .get::<unsafe extern "C" fn(*const c_void, *mut u64) -> i32>(format!("drive{id}"))
                    .unwrap()
            };
            let run = |function: *const c_void| {
                let mut log = vec![0; 4096];
                // SAFETY: the function is null, which stands for C's own, or has the prototype.
                let len = unsafe { drive(function, log.as_mut_ptr()) };
                log.truncate(len as usize);
                // Tokens point into the log.
                let start = log.as_ptr().addr() as u64;
                for word in &mut log {
                    if (start..start + 9 * 8).contains(word) {
                        *word -= start;
                    }
                }
                log
            };
            let (expected, found) = (run(std::ptr::null()), run(kept.pointer().as_ptr()));
            let failure = kept.take_failure();
            assert!(failure.is_none(), "{text}: {}", failure.unwrap());
            assert_eq!(found, expected, "{text}\n{wasm}");
        }
    }
}
