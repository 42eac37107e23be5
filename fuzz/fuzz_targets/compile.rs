//! The complexity of modules against their cost: every admitted module compiles in the time and memory
//! that the limits promise. Run it with `-timeout` and `-rss_limit_mb`, which are the assertion.
#![no_main]

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use callbox::{Limit, Limits, Module, Sandbox};
use libfuzzer_sys::fuzz_target;
use wasm_encoder::{
    BlockType, CodeSection, Function, FunctionSection, Instruction as I, MemorySection, MemoryType,
    RefType, TableSection, TableType, TypeSection, ValType,
};

/// A repeatable piece of code. Each leaves the stack as it finds it.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Piece {
    Change(u8),
    Divide,
    Convert,
    Round,
    Load,
    Store,
    Grow,
    TableGet,
    Call,
    CallMany,
    CallIndirect,
    EmptyLoop,
    EmptyIf,
    Break(u8),
    BreakTable(u8),
    OpenBlock,
    OpenLoop,
    OpenIf,
    Close,
    Fill,
}

#[derive(Arbitrary, Debug)]
struct Input {
    functions: u8,
    locals: u16,
    passed: u16,
    pieces: Vec<(Piece, u16)>,
}

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::new(Limits::default()).unwrap());

fn put(f: &mut Function, piece: Piece, depth: &mut u32, locals: u32) {
    let one = |f: &mut Function, instructions: &[I<'_>]| {
        instructions.iter().for_each(|i| {
            f.instruction(i);
        });
    };
    let memory = wasm_encoder::MemArg { offset: 0, align: 0, memory_index: 0 };
    match piece {
        Piece::Change(n) => {
            let local = u32::from(n) % locals;
            one(f, &[I::LocalGet(local), I::I32Const(3), I::I32Add, I::LocalSet((local + 1) % locals)]);
        }
        Piece::Divide => one(f, &[I::LocalGet(0), I::LocalGet(0), I::I32DivS, I::LocalSet(0)]),
        Piece::Convert => one(f, &[I::LocalGet(0), I::F64ConvertI32U, I::I32TruncF64U, I::LocalSet(0)]),
        Piece::Round => one(f, &[I::LocalGet(0), I::F64ConvertI32S, I::F64Ceil, I::F64Sqrt, I::Drop]),
        Piece::Load => one(f, &[I::LocalGet(0), I::I32Load(memory), I::LocalSet(0)]),
        Piece::Store => one(f, &[I::LocalGet(0), I::LocalGet(0), I::I32Store(memory)]),
        Piece::Grow => one(f, &[I::I32Const(0), I::MemoryGrow(0), I::Drop]),
        Piece::TableGet => one(f, &[I::LocalGet(0), I::TableGet(0), I::Drop]),
        Piece::Call => one(f, &[I::Call(2)]),
        Piece::CallMany => one(f, &[I::Call(0), I::Call(1)]),
        Piece::CallIndirect => one(f, &[I::LocalGet(0), I::CallIndirect { type_index: 2, table_index: 0 }]),
        Piece::EmptyLoop => one(f, &[I::Loop(BlockType::Empty), I::End]),
        Piece::EmptyIf => one(f, &[I::LocalGet(0), I::If(BlockType::Empty), I::End]),
        Piece::Break(n) => one(f, &[I::LocalGet(0), I::BrIf(u32::from(n) % (*depth + 1))]),
        Piece::BreakTable(n) => {
            let targets: Vec<u32> = (0..u32::from(n)).map(|n| n % (*depth + 1)).collect();
            one(f, &[I::Block(BlockType::Empty), I::LocalGet(0)]);
            one(f, &[I::BrTable(targets.into(), 0), I::End]);
        }
        Piece::OpenBlock => {
            one(f, &[I::Block(BlockType::Empty)]);
            *depth += 1;
        }
        Piece::OpenLoop => {
            one(f, &[I::Loop(BlockType::Empty)]);
            *depth += 1;
        }
        Piece::OpenIf => {
            one(f, &[I::LocalGet(0), I::If(BlockType::Empty)]);
            *depth += 1;
        }
        Piece::Close => {
            if *depth > 0 {
                one(f, &[I::LocalGet(0), I::BrIf(0), I::End]);
                *depth -= 1;
            }
        }
        Piece::Fill => one(f, &[I::LocalGet(0), I::LocalGet(0), I::LocalGet(0), I::MemoryFill(0)]),
    }
}

fuzz_target!(|input: Input| {
    let locals = u32::from(input.locals) % 1000 + 1;
    let passed = usize::from(input.passed) % 9;
    let mut types = TypeSection::new();
    types.ty().function([], vec![ValType::I32; passed]);
    types.ty().function(vec![ValType::I32; passed], []);
    types.ty().function([], []);
    let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
    for ty in 0..3 {
        functions.function(ty);
        let mut f = Function::new([]);
        (0..if ty == 0 { passed } else { 0 }).for_each(|_| {
            f.instruction(&I::I32Const(0));
        });
        f.instruction(&I::End);
        code.function(&f);
    }
    let mut body = Function::new([(locals, ValType::I32)]);
    let mut depth = 0;
    'body: for &(piece, times) in &input.pieces {
        for _ in 0..times % 4096 {
            if depth > 900 || body.byte_len() > 32_000 {
                break 'body;
            }
            put(&mut body, piece, &mut depth, locals);
        }
    }
    for _ in 0..depth {
        body.instruction(&I::End);
    }
    // Keeps the locals live to the end.
    for local in 0..locals.min(200) {
        body.instruction(&I::LocalGet(local));
        body.instruction(&I::Drop);
    }
    body.instruction(&I::End);
    for _ in 0..input.functions % 8 + 1 {
        functions.function(2);
        code.function(&body);
    }
    let mut tables = TableSection::new();
    let funcref = RefType::FUNCREF;
    let (table64, shared) = (false, false);
    tables.table(TableType { element_type: funcref, table64, minimum: 1, maximum: None, shared });
    let mut memories = MemorySection::new();
    let (memory64, shared, page_size_log2) = (false, false, None);
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64, shared, page_size_log2 });
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&tables).section(&memories).section(&code);
    let wasm = module.finish();
    // Saves the module, to examine a slow input.
    if let Some(file) = std::env::var_os("CALLBOX_DUMP") {
        std::fs::write(file, &wasm).unwrap();
    }
    let started = Instant::now();
    match Module::new(&SANDBOX, "compile", &wasm) {
        Ok(_) => {
            let took = started.elapsed();
            if took > Duration::from_secs(3) {
                eprintln!("{} bytes took {took:?}", wasm.len());
            }
        }
        Err(error) => {
            assert!(error.limit().is_some(), "{error}");
            assert_ne!(error.limit(), Some(Limit::ModuleSize));
            assert!(started.elapsed() < Duration::from_secs(5), "a refusal took {:?}", started.elapsed());
        }
    }
});
