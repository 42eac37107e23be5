//! Callbox for C and C++: the functions of `include/callbox.h`, which says what each does, who frees what,
//! and which threads may call it. What it asks of callers, the SAFETY comments here rely on.
//!
//! Parameters have the types of what C passes: `Option<&T>` is a pointer that may be null, `Option<Box<T>>` a
//! handle that the library gets back, `Option<&mut MaybeUninit<T>>` a place for a result.

mod border; // no panic crosses it; errno and the reason of a failure stay with the thread
mod memory; // texts, arrays and items of the caller's
mod config; // the settings of a sandbox
mod guest; // sandboxes, guests and callbacks
mod sort; // sorting, searching and checking
mod lease; // function pointers with an array
mod retained; // function pointers that C keeps
mod table; // the table of all of them
