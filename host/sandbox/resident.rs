//! A kernel beside a guest, in the same store: it sorts by the guest's answers, which nothing native
//! ever sees.

use wasmtime::{Func, Global, Instance, Memory, TypedFunc, Val};

use super::Module;
use super::guest::Turn;
use super::store::KERNELS;
use crate::error::{Error, Result};
use crate::kernel::Spec;
use crate::pages;

/// A kernel for one guest.
#[derive(Clone)]
pub(crate) struct Resident {
    memory: Memory,
    /// The guest's, where the kernel sees it.
    guest: Option<Memory>,
    sort: TypedFunc<(u32, u32, u32), ()>,
    join: TypedFunc<(u32, u32, u32, u32), ()>,
    ahead: TypedFunc<(u32, u32, u32, u32), (u64, u32)>,
    halves: TypedFunc<(u32, u32, u32, u32, u32), u32>,
    base: Global,
    table: Global,
    comparisons: Global,
    lied: Global,
}

const PAGE: usize = 64 << 10;

impl Turn<'_> {
    /// Puts a kernel beside the guest, which sorts by the export of this name. It stays there
    /// as long as the guest does.
    pub(crate) fn resident(&mut self, export: &str, spec: &Spec) -> Result<Resident> {
        let module: Module = self.module().clone();
        let kernel = module.kernel(export, spec)?;
        let (store, guest, _) = self.parts();
        let engine = |error: wasmtime::Error| Error::Engine { reason: format!("{error:#}") };
        let compare = guest.get_func(&mut *store, export);
        let mut imports: Vec<_> = compare.into_iter().map(Func::into).collect();
        let seen = if spec.sees_guest() { guest.get_memory(&mut *store, "memory") } else { None };
        imports.extend(seen.map(wasmtime::Extern::from));
        let kernel = Instance::new(&mut *store, &kernel, &imports).map_err(engine)?;
        let mut global = |name| {
            kernel.get_global(&mut *store, name).ok_or_else(|| Error::Engine { reason: format!("no {name}") })
        };
        let (base, table) = (global("base")?, global("table")?);
        let (comparisons, lied) = (global("comparisons")?, global("lied")?);
        let memory = kernel.get_memory(&mut *store, "memory");
        Ok(Resident {
            guest: seen,
            memory: memory.ok_or_else(|| Error::Engine { reason: "no memory".into() })?,
            sort: kernel.get_typed_func(&mut *store, "sort").map_err(engine)?,
            join: kernel.get_typed_func(&mut *store, "join").map_err(engine)?,
            ahead: kernel.get_typed_func(&mut *store, "ahead").map_err(engine)?,
            halves: kernel.get_typed_func(&mut *store, "halves").map_err(engine)?,
            base,
            table,
            comparisons,
            lied,
        })
    }

    /// The same, or the one that was put there before; `None` where there are too many.
    pub(crate) fn resident_for_good(&mut self, export: &str, spec: &Spec) -> Option<Resident> {
        let found = self.kernels().iter().find(|(name, known, _)| name == export && known == spec);
        if let Some((.., kernel)) = found {
            return Some(kernel.clone());
        }
        if self.kernels().len() >= KERNELS {
            return None;
        }
        let kernel = self.resident(export, spec).ok()?;
        self.kernels().push((export.to_owned(), spec.clone(), kernel.clone()));
        Some(kernel)
    }

    /// Whether [`Turn::resident_for_good`] has it without compiling.
    pub(crate) fn has_resident(&mut self, export: &str, spec: &Spec) -> bool {
        self.kernels().iter().any(|(name, known, _)| name == export && known == spec)
    }

    /// Answers of a merge of two runs at these places, a bit each, and how many there are.
    pub(crate) fn ahead(
        &mut self,
        export: &str,
        kernel: &Resident,
        from: [u32; 2],
        to: [u32; 2],
    ) -> Result<(u64, u32), Box<Error>> {
        let (store, ..) = self.parts();
        let answers = kernel.ahead.call(store, (from[0], from[1], to[0], to[1]));
        answers.map_err(|error| self.failure(error, export))
    }

    /// Answers of a sort of `len` items at `items`, 16 bytes for each merge, from `answers` on; as much
    /// room as the items have is at `room`.
    pub(crate) fn halves(
        &mut self,
        export: &str,
        kernel: &Resident,
        [items, room, answers]: [u32; 3],
        len: u32,
    ) -> Result<&[u8], Box<Error>> {
        let (store, ..) = self.parts();
        match kernel.halves.call(&mut *store, (items, items, room, len, answers)) {
            Ok(end) => Ok(&kernel.memory.data(self.parts().0)[answers as usize..end as usize]),
            Err(error) => Err(self.failure(error, export)),
        }
    }

    /// Room in the guest's memory, and its address, as far as the kernel sees it. It is the guest's to move
    /// with every call of its allocator, so it is asked for anew each time.
    pub(crate) fn room(&mut self, export: &str, kernel: &Resident, size: usize) -> Option<(u32, &mut [u8])> {
        let (.., staging) = self.parts();
        let base = match staging.area(size) {
            Some(base) => base,
            None => self.stage(export, size, |_, _| ()).ok()?,
        };
        let memory = kernel.guest?.data_mut(self.parts().0);
        Some((base, memory.get_mut(base as usize..)?.get_mut(..size)?))
    }

    /// The kernel's memory, made as large as this.
    pub(crate) fn kernel_memory(&mut self, kernel: &Resident, size: usize) -> Result<&mut [u8]> {
        let (store, ..) = self.parts();
        let missing = size.saturating_sub(kernel.memory.data_size(&*store)).div_ceil(PAGE);
        if missing > 0 {
            store.data_mut().ours = true;
            let grown = kernel.memory.grow(&mut *store, missing as u64);
            store.data_mut().ours = false;
            grown.map_err(|_| Error::NoMemory { bytes: size, what: "the resident sorter" })?;
            pages::advise(kernel.memory.data_ptr(&*store), kernel.memory.data_size(&*store));
        }
        Ok(kernel.memory.data_mut(store))
    }

    /// Says where the lines are, and where their table is.
    pub(crate) fn point(&mut self, kernel: &Resident, base: u32, table: u32) -> Result<()> {
        let (store, ..) = self.parts();
        let set = |store: &mut _, global: Global, value: u32| global.set(store, Val::I32(value as i32));
        set(store, kernel.base, base)
            .and_then(|()| set(store, kernel.table, table))
            .map_err(|error| Error::Engine { reason: format!("{error:#}") })
    }

    /// Sorts `len` items at `a`, with as much room at `b`.
    pub(crate) fn sort(&mut self, export: &str, kernel: &Resident, [a, b]: [u32; 2], len: u32) -> Result<()> {
        let (store, ..) = self.parts();
        kernel.sort.call(store, (a, b, len)).map_err(|error| self.blame(export, kernel, error))
    }

    /// Merges two sorted runs at `from`, of these lengths, and puts the result at `to`.
    pub(crate) fn join(
        &mut self,
        export: &str,
        kernel: &Resident,
        [from, to]: [u32; 2],
        [left, right]: [u32; 2],
    ) -> Result<()> {
        let (store, ..) = self.parts();
        kernel.join.call(store, (from, to, left, right)).map_err(|error| self.blame(export, kernel, error))
    }

    /// How often the kernel has asked.
    pub(crate) fn comparisons(&mut self, kernel: &Resident) -> u64 {
        let (store, ..) = self.parts();
        kernel.comparisons.get(store).i64().unwrap_or(0) as u64
    }

    fn blame(&mut self, export: &str, kernel: &Resident, error: wasmtime::Error) -> Error {
        let (store, ..) = self.parts();
        if kernel.lied.get(store).i32() == Some(1) {
            return Error::Contradiction { export: export.to_owned() };
        }
        *self.failure(error, export)
    }
}
