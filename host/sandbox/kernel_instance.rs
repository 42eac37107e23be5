//! A kernel in a guest's store: it sorts by the guest's answers, which never reach native code.

use wasmtime::{Func, Global, Instance, Memory, Val};

use super::Module;
use super::guest::Turn;
use super::kernel_functions::{
    AsksRows, BlockPlaces, Functions, MergePlaces, RowPlaces, RunLengths, SortPlaces, Sorts,
};
use super::store::{Growing, MAX_KERNELS_PER_GUEST};
use super::{WASM_PAGE, engine_error};
use crate::answers::AnswerSet;
use crate::error::{ContradictionError, Error, Result, bug};
use crate::kernel::KernelSpec;
use crate::memory::madvise;
use crate::sync::fork::Section;

/// A kernel, instantiated in one guest's store: by default one that sorts.
#[derive(Clone)]
pub(crate) struct KernelInstance<F = Sorts> {
    memory: Memory,
    /// The guest's memory, where the kernel imports it.
    guest: Option<Memory>,
    functions: F,
    table: Global,
    comparisons: Global,
    inconsistent: Global,
}

impl Turn<'_> {
    /// Instantiates a kernel in the guest's store, which calls the export `export`. It stays there as long as
    /// the guest does.
    pub(crate) fn instantiate_kernel<F: Functions>(
        &mut self,
        export: &str,
        spec: &KernelSpec,
    ) -> Result<KernelInstance<F>> {
        if spec.task != F::TASK {
            return Err(bug!("a kernel for {:?} and not {:?}", spec.task, F::TASK));
        }
        let module: Module = self.module().clone();
        let kernel = module.kernel(export, spec)?;
        let (store, guest, _) = self.parts();
        let _section = Section::enter();
        let compare = guest.get_func(&mut *store, export);
        let mut imports: Vec<_> = compare.into_iter().map(Func::into).collect();
        let seen = if spec.sees_guest() { guest.get_memory(&mut *store, "memory") } else { None };
        imports.extend(seen.map(wasmtime::Extern::from));
        if let Some(sampler) = &mut store.data_mut().sampler {
            sampler.add_kernel(&kernel, &spec.module());
        }
        let kernel = Instance::new(&mut *store, &kernel, &imports).map_err(engine_error)?;
        let mut global = |name| {
            kernel.get_global(&mut *store, name).ok_or_else(|| bug!("the kernel has no global {name}"))
        };
        let table = global("table")?;
        let (comparisons, inconsistent) = (global("comparisons")?, global("inconsistent")?);
        let memory = kernel.get_memory(&mut *store, "memory");
        Ok(KernelInstance {
            guest: seen,
            memory: memory.ok_or_else(|| bug!("the kernel has no memory"))?,
            functions: F::of(store, &kernel).map_err(engine_error)?,
            table,
            comparisons,
            inconsistent,
        })
    }

    /// Returns the guest's kernel of this specification, instantiated on the first call; `None` where the
    /// guest has too many, or it cannot be instantiated.
    pub(crate) fn cached_kernel(&mut self, export: &str, spec: &KernelSpec) -> Option<KernelInstance> {
        let found = self.cached_kernels().iter().find(|(name, known, _)| name == export && known == spec);
        if let Some((.., kernel)) = found {
            return Some(kernel.clone());
        }
        if self.cached_kernels().len() >= MAX_KERNELS_PER_GUEST {
            return None;
        }
        let kernel = self.instantiate_kernel(export, spec).ok()?;
        self.cached_kernels().push((export.to_owned(), spec.clone(), kernel.clone()));
        Some(kernel)
    }

    /// Returns whether [`Turn::cached_kernel`] has this kernel without instantiating it.
    pub(crate) fn has_cached_kernel(&mut self, export: &str, spec: &KernelSpec) -> bool {
        self.cached_kernels().iter().any(|(name, known, _)| name == export && known == spec)
    }

    /// Makes the comparisons of a merge of two runs. Returns the answers.
    pub(crate) fn merge_answers(
        &mut self,
        export: &str,
        kernel: &KernelInstance,
        MergePlaces { left, left_end, right, right_end, answers }: MergePlaces,
    ) -> Result<impl Iterator<Item = AnswerSet>, Box<Error>> {
        let (store, ..) = self.parts();
        let end = kernel.functions.merge_answers.call(store, (left, right, left_end, right_end, answers));
        self.answer_sets(export, kernel, answers, end)
    }

    /// Sorts a block as glibc does. Returns the answers of its merges, each of which begins a set.
    pub(crate) fn sort_block(
        &mut self,
        export: &str,
        kernel: &KernelInstance,
        BlockPlaces { items, scratch, answers, len }: BlockPlaces,
    ) -> Result<impl Iterator<Item = AnswerSet>, Box<Error>> {
        let (store, ..) = self.parts();
        let end = kernel.functions.sort_block.call(store, (items, items, scratch, len, answers));
        self.answer_sets(export, kernel, answers, end)
    }

    fn answer_sets(
        &mut self,
        export: &str,
        kernel: &KernelInstance,
        from: u32,
        end: wasmtime::Result<u32>,
    ) -> Result<impl Iterator<Item = AnswerSet>, Box<Error>> {
        let end = end.map_err(|error| self.failure(error, export))?;
        let sets = kernel.memory.data(self.parts().0)[from as usize..end as usize].as_chunks().0;
        Ok(sets.iter().map(|set| AnswerSet::new(u64::from_le_bytes(*set))))
    }

    /// Returns `size` bytes of the guest's memory for elements, and their address, where the kernel imports
    /// that memory. Any call of the guest's allocator may move them, so callers request them anew each time.
    pub(crate) fn staging_area<F>(
        &mut self,
        export: &str,
        kernel: &KernelInstance<F>,
        size: usize,
    ) -> Option<(u32, &mut [u8])> {
        let (.., staging) = self.parts();
        let base = match staging.area(size) {
            Some(base) => base,
            None => self.stage(export, size, |_, _| ()).ok()?,
        };
        let memory = kernel.guest?.data_mut(self.parts().0);
        Some((base, memory.get_mut(base as usize..)?.get_mut(..size)?))
    }

    /// Returns the kernel's memory, grown to at least `size` bytes.
    pub(crate) fn kernel_memory<F>(&mut self, kernel: &KernelInstance<F>, size: usize) -> Result<&mut [u8]> {
        let (store, ..) = self.parts();
        let missing = size.saturating_sub(kernel.memory.data_size(&*store)).div_ceil(WASM_PAGE);
        if missing > 0 {
            store.data_mut().growing = Growing::Kernel;
            let grown = kernel.memory.grow(&mut *store, missing as u64);
            store.data_mut().growing = Growing::ByGuest;
            grown.map_err(|_| Error::NoMemory { bytes: size, what: "the sandboxed sorter" })?;
            madvise::huge_pages(kernel.memory.data_ptr(&*store), kernel.memory.data_size(&*store));
        }
        Ok(kernel.memory.data_mut(store))
    }

    /// Sets the address of the table of numbers in the kernel's memory.
    pub(crate) fn set_table(&mut self, kernel: &KernelInstance, table: u32) -> Result<()> {
        let (store, ..) = self.parts();
        kernel.table.set(store, Val::I32(table as i32)).map_err(engine_error)
    }

    /// Sorts `len` items.
    pub(crate) fn sort(
        &mut self,
        export: &str,
        kernel: &KernelInstance,
        SortPlaces { items, scratch }: SortPlaces,
        len: u32,
    ) -> Result<()> {
        let (store, ..) = self.parts();
        let sorted = kernel.functions.sort.call(store, (items, scratch, len));
        sorted.map_err(|error| self.kernel_failure(export, kernel, error))
    }

    /// Merges two adjacent sorted runs.
    pub(crate) fn merge_runs(
        &mut self,
        export: &str,
        kernel: &KernelInstance,
        SortPlaces { items, scratch }: SortPlaces,
        RunLengths { left, right }: RunLengths,
    ) -> Result<()> {
        let (store, ..) = self.parts();
        let merged = kernel.functions.merge_runs.call(store, (items, scratch, left, right));
        merged.map_err(|error| self.kernel_failure(export, kernel, error))
    }

    /// Asks about an item and each of others, both ways. The answers are in the kernel's memory afterwards,
    /// where it failed those up to then.
    pub(crate) fn ask_row(
        &mut self,
        export: &str,
        kernel: &KernelInstance<AsksRows>,
        RowPlaces { item, others, end, answers }: RowPlaces,
    ) -> Result<(), Box<Error>> {
        let (store, ..) = self.parts();
        let asked = kernel.functions.ask_row.call(store, (item, others, end, answers));
        asked.map_err(|error| self.failure(error, export))
    }

    /// Returns the number of comparisons that the kernel has made with the guest.
    pub(crate) fn comparisons(&mut self, kernel: &KernelInstance) -> u64 {
        let (store, ..) = self.parts();
        kernel.comparisons.get(store).i64().unwrap_or(0) as u64
    }

    fn kernel_failure(&mut self, export: &str, kernel: &KernelInstance, error: wasmtime::Error) -> Error {
        let (store, ..) = self.parts();
        if kernel.inconsistent.get(store).i32() == Some(1) {
            return ContradictionError::NoOrder { export: export.to_owned() }.into();
        }
        *self.failure(error, export)
    }
}
