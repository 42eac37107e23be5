//! The functions of a kernel, and what they are called with.

use wasmtime::{AsContextMut, Instance, TypedFunc};

#[cfg(doc)]
use super::guest::Turn;
use crate::kernel::Task;

/// The functions of a kernel for [`Task::Sort`].
#[derive(Clone)]
pub(crate) struct Sorts {
    pub(super) sort: TypedFunc<(u32, u32, u32), ()>,
    pub(super) merge_runs: TypedFunc<(u32, u32, u32, u32), ()>,
    pub(super) merge_answers: TypedFunc<(u32, u32, u32, u32, u32), u32>,
    pub(super) sort_block: TypedFunc<(u32, u32, u32, u32, u32), u32>,
}

/// The functions of a kernel for [`Task::AskRows`].
#[derive(Clone)]
pub(crate) struct AsksRows {
    pub(super) ask_row: TypedFunc<(u32, u32, u32, u32), ()>,
}

/// The functions of a kernel for one task.
pub(crate) trait Functions: Sized {
    /// The task that the specification has to state.
    const TASK: Task;

    fn of(store: impl AsContextMut, kernel: &Instance) -> wasmtime::Result<Self>;
}

impl Functions for Sorts {
    const TASK: Task = Task::Sort;

    fn of(mut store: impl AsContextMut, kernel: &Instance) -> wasmtime::Result<Sorts> {
        Ok(Sorts {
            sort: kernel.get_typed_func(&mut store, "sort")?,
            merge_runs: kernel.get_typed_func(&mut store, "merge_runs")?,
            merge_answers: kernel.get_typed_func(&mut store, "merge_answers")?,
            sort_block: kernel.get_typed_func(&mut store, "sort_block")?,
        })
    }
}

impl Functions for AsksRows {
    const TASK: Task = Task::AskRows;

    fn of(store: impl AsContextMut, kernel: &Instance) -> wasmtime::Result<AsksRows> {
        Ok(AsksRows { ask_row: kernel.get_typed_func(store, "ask_row")? })
    }
}

/// Addresses in the kernel's memory for [`Turn::ask_row`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowPlaces {
    pub(crate) item: u32,
    /// The others, from the first one to their end.
    pub(crate) others: u32,
    pub(crate) end: u32,
    pub(crate) answers: u32,
}

/// Addresses of two runs for [`Turn::merge_answers`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct MergePlaces {
    pub(crate) left: u32,
    pub(crate) left_end: u32,
    pub(crate) right: u32,
    pub(crate) right_end: u32,
    /// Address of the answers in the kernel's memory.
    pub(crate) answers: u32,
}

/// Addresses in the kernel's memory for [`Turn::sort_block`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockPlaces {
    pub(crate) items: u32,
    /// The scratch array, as large as the items.
    pub(crate) scratch: u32,
    /// Address of the answers.
    pub(crate) answers: u32,
    /// Number of items.
    pub(crate) len: u32,
}

/// Addresses in the kernel's memory for [`Turn::sort`] and [`Turn::merge_runs`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct SortPlaces {
    /// The items; [`Turn::sort`] leaves its result here.
    pub(crate) items: u32,
    /// The scratch array, as large as the items; [`Turn::merge_runs`] leaves its result here.
    pub(crate) scratch: u32,
}

/// Numbers of items in two adjacent runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunLengths {
    pub(crate) left: u32,
    pub(crate) right: u32,
}
