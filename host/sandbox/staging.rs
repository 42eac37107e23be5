//! Staging: the area in a guest's memory into which the host copies elements for the guest.
//!
//! An allocator that the guest exports provides it; otherwise the host adds pages to the memory, if
//! only the host adds any; otherwise a callback that needs staging is refused when it is created.

use wasmtime::{ExternType, Instance, Memory, Store, TypedFunc};

use super::module::{Module, ModuleInner};
use super::shape::func_type_text;
use super::store::{Growing, Hit, StoreData};
use super::{MAX_PAGES, WASM_PAGE};
use crate::error::{Error, ModuleError};
use crate::memory::madvise;

/// Alignment of elements in bytes: enough for every C type, and for SIMD.
const ALIGN: usize = 16;

/// Minimum size of an area in bytes, so that longer elements seldom move it.
const MIN_AREA_BYTES: usize = 4 << 10;

/// Size in bytes from which on an area is exactly as large as its elements.
const MIN_LARGE_AREA_BYTES: usize = 1 << 20;

/// The way in which the host gets room for elements in a guest's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ElementRoom {
    /// The guest's `cabi_realloc (old, old size, align, new size)`, as the component model defines it.
    CabiRealloc,
    /// The guest's `callbox_alloc (size, align)`.
    CallboxAlloc,
    /// Pages that the host adds to the memory.
    AddedPages,
}

/// The reason why there is no room for elements in a guest's memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoRoom {
    reason: &'static str,
    /// Whether the host could add pages, if it assumed that they stay its own.
    fresh_pages: bool,
}

impl ElementRoom {
    /// Finds the room in guests of a module. `may_add_pages`: no instruction of the module adds pages, or
    /// fresh pages are [assumed](super::Config::assume_fresh_pages).
    pub(super) fn of(wasm: &wasmtime::Module, may_add_pages: bool) -> Result<ElementRoom, NoRoom> {
        let never = |reason| Err(NoRoom { reason, fresh_pages: false });
        let Some(ExternType::Memory(memory)) = wasm.get_export("memory") else {
            return never("it exports no memory; export it as \"memory\"");
        };
        let exports = |name: &str, ty: &str| {
            let export = wasm.get_export(name);
            export.is_some_and(|export| export.func().is_some_and(|func| func_type_text(func) == ty))
        };
        if exports("cabi_realloc", "(i32, i32, i32, i32) -> i32") {
            Ok(ElementRoom::CabiRealloc)
        } else if exports("callbox_alloc", "(i32, i32) -> i32") {
            Ok(ElementRoom::CallboxAlloc)
        } else if memory.minimum() >= MAX_PAGES {
            never(
                "it needs 4G of memory at the start, all that there can be; \
                 declare less, or export callbox_alloc (size, align)",
            )
        } else if memory.maximum().is_some_and(|most| memory.minimum() >= most) {
            never(
                "its memory is declared with no room to grow; \
                 declare a larger maximum, or export callbox_alloc (size, align)",
            )
        } else if may_add_pages {
            Ok(ElementRoom::AddedPages)
        } else {
            let reason = "it grows its memory itself and exports no allocator; \
                          export callbox_alloc (size, align) or cabi_realloc";
            Err(NoRoom { reason, fresh_pages: true })
        }
    }
}

impl Module {
    /// Returns the way in which the host gets room for elements in the memory of a guest.
    ///
    /// # Errors
    ///
    /// [`ModuleError::Staging`] where there is none, so that guests can take elements by value only.
    pub fn element_room(&self) -> crate::error::Result<ElementRoom> {
        self.inner.element_room.map_err(|NoRoom { reason, fresh_pages }| {
            let (module, reason) = (self.name().to_owned(), reason.to_owned());
            ModuleError::Staging { module, reason, fresh_pages }.into()
        })
    }
}

pub(super) struct Staging {
    memory: Option<Memory>,
    allocator: Allocator,
    module: String,
    base: usize,
    capacity: usize,
}

enum Allocator {
    Realloc(TypedFunc<(u32, u32, u32, u32), u32>),
    Alloc(TypedFunc<(u32, u32), u32>),
    Pages,
    /// No staging, for this reason.
    Nowhere(&'static str),
}

impl Staging {
    /// Takes the allocator of an instance of this module.
    pub(super) fn new(
        store: &mut Store<StoreData>,
        instance: &Instance,
        module: &ModuleInner,
    ) -> wasmtime::Result<Staging> {
        let memory = instance.get_memory(&mut *store, "memory");
        let allocator = match module.element_room {
            Ok(ElementRoom::CabiRealloc) => {
                Allocator::Realloc(instance.get_typed_func(&mut *store, "cabi_realloc")?)
            }
            Ok(ElementRoom::CallboxAlloc) => {
                Allocator::Alloc(instance.get_typed_func(&mut *store, "callbox_alloc")?)
            }
            Ok(ElementRoom::AddedPages) => Allocator::Pages,
            Err(no_room) => Allocator::Nowhere(no_room.reason),
        };
        Ok(Staging { memory, allocator, module: module.name.clone(), base: 0, capacity: 0 })
    }

    /// Lets `fill` write `size` bytes of the guest's memory, given their address. Returns the address.
    pub(super) fn stage(
        &mut self,
        store: &mut Store<StoreData>,
        size: usize,
        fill: impl FnOnce(u32, &mut [u8]),
    ) -> wasmtime::Result<u32> {
        if size > self.capacity || self.capacity == 0 {
            self.reserve(store, size.max(MIN_AREA_BYTES))?;
        }
        let Some(memory) = &self.memory else { return Err(self.error("it exports no memory")) };
        if size >= MIN_LARGE_AREA_BYTES {
            madvise::huge_pages(memory.data_ptr(&*store), memory.data_size(&*store));
        }
        fill(self.base as u32, &mut memory.data_mut(store)[self.base..][..size]);
        Ok(self.base as u32)
    }

    /// Returns the first `size` bytes of the area, as the guest has left them.
    pub(super) fn staged<'a>(&self, store: &'a Store<StoreData>, size: usize) -> &'a [u8] {
        match &self.memory {
            Some(memory) => &memory.data(store)[self.base..][..size],
            None => &[],
        }
    }

    /// Returns the area's address, if it has room for `size` bytes.
    pub(super) fn area(&self, size: usize) -> Option<u32> {
        (size <= self.capacity && self.capacity > 0).then_some(self.base as u32)
    }

    /// Copies both elements into the guest's memory. Returns their addresses.
    pub(super) fn stage_pair(
        &mut self,
        store: &mut Store<StoreData>,
        a: &[u8],
        b: &[u8],
    ) -> wasmtime::Result<(u32, u32)> {
        let second = a.len().next_multiple_of(ALIGN);
        let need = second.saturating_add(b.len());
        if need > self.capacity || self.capacity == 0 {
            self.reserve(store, need.max(MIN_AREA_BYTES))?;
        }
        let Some(memory) = &self.memory else { return Err(self.error("it exports no memory")) };
        let area = &mut memory.data_mut(store)[self.base..][..need];
        copy(&mut area[..a.len()], a);
        copy(&mut area[second..], b);
        // `reserve` has checked that the area ends within 32 bits.
        Ok((self.base as u32, (self.base + second) as u32))
    }

    /// Returns the bytes of two elements of these lengths that [`Staging::stage_pair`] has copied, as the
    /// guest has left them.
    pub(super) fn staged_pair<'a>(&self, store: &'a Store<StoreData>, [a, b]: [usize; 2]) -> [&'a [u8]; 2] {
        let second = a.next_multiple_of(ALIGN);
        let area = self.staged(store, second + b);
        [&area[..a], &area[second..]]
    }

    #[cold]
    fn reserve(&mut self, store: &mut Store<StoreData>, need: usize) -> wasmtime::Result<()> {
        store.data_mut().growing = Growing::ForElements;
        let reserved = self.reserve_as_elements(store, need);
        store.data_mut().growing = Growing::ByGuest;
        reserved
    }

    fn reserve_as_elements(&mut self, store: &mut Store<StoreData>, need: usize) -> wasmtime::Result<()> {
        let Some(memory) = self.memory else { return Err(self.error("it exports no memory")) };
        let size = match self.allocator {
            Allocator::Pages => need, // grows in place, at any size
            // An allocator may leak the previous area, so reservations are rare; but a large area is
            // not rounded up beyond the guest's memory limit.
            _ if need < MIN_LARGE_AREA_BYTES => need.next_power_of_two(),
            _ => need,
        };
        let Ok(size) = u32::try_from(size) else {
            return Err(self.error(&format!("elements of {need} bytes, and a memory has 4G at most")));
        };
        let (base, capacity) = match &self.allocator {
            Allocator::Realloc(realloc) => {
                let old = (self.base as u32, self.capacity as u32);
                let at = realloc.call(&mut *store, (old.0, old.1, ALIGN as u32, size))?;
                (at as usize, size as usize)
            }
            Allocator::Alloc(alloc) => {
                let at = alloc.call(&mut *store, (size, ALIGN as u32))?;
                (at as usize, size as usize)
            }
            Allocator::Pages => self.add_pages(store, memory, size as usize)?,
            Allocator::Nowhere(why) => return Err(self.error(why)),
        };
        if base == 0 || base.saturating_add(capacity) > memory.data_size(&*store) {
            return Err(self.error("its allocator returned an address that is not in its memory"));
        }
        (self.base, self.capacity) = (base, capacity);
        Ok(())
    }

    /// Adds pages for an area of `size` bytes; where the previous area ends at the end of memory, it
    /// grows in place.
    fn add_pages(
        &self,
        store: &mut Store<StoreData>,
        memory: Memory,
        size: usize,
    ) -> wasmtime::Result<(usize, usize)> {
        let end = memory.data_size(&*store);
        let in_place = self.capacity > 0 && self.base + self.capacity == end;
        // Address 0 is C's null pointer, so in a memory without pages the area starts at `ALIGN`.
        let base = if in_place { self.base } else { end.max(ALIGN) };
        let pages = (base + size - end).div_ceil(WASM_PAGE) as u64;
        let (has, declared) = (memory.size(&*store), memory.ty(&*store).maximum());
        let most = declared.unwrap_or(MAX_PAGES);
        if has + pages > most {
            let more = match declared {
                Some(_) => "declare a larger maximum",
                None if has > pages => "declare less at the start",
                None => "sort less at once",
            };
            return Err(self.error(&format!(
                "its memory has {has} of at most {most} pages, and elements need {pages} more; {more}"
            )));
        }
        let grown = memory.grow(&mut *store, pages);
        // Neither the limit nor the memory's type refuses these pages.
        let out_of_memory = || Error::NoMemory { bytes: size, what: "elements in the guest's memory" };
        grown.map_err(|error| match error.downcast_ref::<Hit>() {
            Some(_) => error,
            None => wasmtime::Error::new(out_of_memory()),
        })?;
        Ok((base, memory.data_size(&*store) - base))
    }

    #[cold]
    fn error(&self, reason: &str) -> wasmtime::Error {
        let (module, reason) = (self.module.clone(), reason.to_owned());
        wasmtime::Error::new(Error::from(ModuleError::Staging { module, reason, fresh_pages: false }))
    }
}

/// Copies an element into a slice of its length. A call of memcpy would take longer than these copies.
fn copy(to: &mut [u8], from: &[u8]) {
    match from.len() {
        4 => to[..4].copy_from_slice(&from[..4]),
        8 => to[..8].copy_from_slice(&from[..8]),
        16 => to[..16].copy_from_slice(&from[..16]),
        64 => to[..64].copy_from_slice(&from[..64]),
        _ => to.copy_from_slice(from),
    }
}
